//! Text that is safe and aligned on a terminal.

use core::fmt::Write as _;

use crate::printable::is_unprintable;

/// Returns a duration with three significant digits.
pub(crate) fn duration(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => scaled(nanos, 1e3, "µs"),
        1_000_000..1_000_000_000 => scaled(nanos, 1e6, "ms"),
        1_000_000_000..120_000_000_000 => scaled(nanos, 1e9, "s"),
        _ if seconds < 7_200 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Returns a range of durations: `1.20 to 3.40 ms`, `900 ns to 1.20 ms`, or one if they look alike.
#[cfg(feature = "console")]
pub(crate) fn durations(least: u64, most: u64) -> String {
    let (least, most) = (duration(least), duration(most));
    if least == most {
        return most;
    }
    match (least.rsplit_once(' '), most.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {most}"),
        _ => format!("{least} to {most}"),
    }
}

fn scaled(nanos: u64, unit_nanos: f64, unit: &str) -> String {
    let value = nanos as f64 / unit_nanos;
    // The limits are where rounding gives a digit more.
    let decimals = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// Returns the columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Returns a rough form of Unicode's East Asian Width (Annex 11): enough to keep columns straight.
fn char_width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Returns the text in at most `most` columns and one line: control characters, which could move the cursor or turn the
/// reading direction, become escapes.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut used = 0;
    for c in text.chars() {
        let start = out.len();
        if is_unprintable(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
        used += width(&out[start..]);
        if used > most {
            out.truncate(start);
            out.push('…');
            break;
        }
    }
    out
}

/// Returns a text in at most `most` columns, with a mark where something is left out.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    clean(text, most.saturating_sub(1))
}

/// Fills up to a column.
pub(crate) fn pad(out: &mut String, columns: usize) {
    out.extend(core::iter::repeat_n(' ', columns));
}
