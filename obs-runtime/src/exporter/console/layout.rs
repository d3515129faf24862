//! What a line of a tree shows, and how its columns are shared out.

use super::fold::Item;
use crate::terminal::text::width;

/// Columns of the bar that shows when a span ran.
const BAR: usize = 20;
/// Columns of a usual duration, such as `12.3 ms`.
const TIME: usize = 7;
/// The deepest level that has a place of its own, so that a trace of n levels does not take n²
/// characters.
const DEEPEST: usize = 32;
/// The least that a name gets beside its mark, and what words for a depth take before it.
const NAME: usize = 12;
const DEPTH_IN_WORDS: usize = 14;

/// What one line shows, in its place.
pub(super) struct Placed<'a> {
    pub(super) item: Item,
    /// What is drawn before the mark.
    pub(super) prefix: String,
    pub(super) name: String,
    pub(super) time: String,
    /// Why it failed.
    pub(super) error: &'a str,
    /// Its attributes.
    pub(super) details: String,
}

/// The columns of each part of a line.
pub(super) struct Layout {
    /// From the begin of the line to the end of the name.
    pub(super) name: usize,
    pub(super) time: usize,
    pub(super) bar: usize,
    /// What remains behind them, without the gap.
    pub(super) tail: usize,
}

impl Layout {
    /// Shares out the columns of a terminal; without one everything gets what it needs.
    pub(super) fn new(placed: &[Placed<'_>], columns: Option<usize>) -> Self {
        let widest = |of: &dyn Fn(&Placed<'_>) -> usize| placed.iter().map(of).max().unwrap_or(0);
        let name = widest(&|p| width(&p.prefix) + 2 + width(&p.name));
        let time = widest(&|p| width(&p.time)).max(TIME);
        let Some(columns) = columns else {
            return Self {
                name,
                time,
                bar: BAR,
                tail: usize::MAX,
            };
        };
        let bar = bar(columns);
        let fixed = fixed(time, bar);
        let tail = widest(&|p| width(p.error) + width(&p.details));
        // A third of the line at most is kept for what may be cut.
        let kept = if tail == 0 {
            0
        } else {
            tail.min(columns / 3) + 2
        };
        let name = name.min(columns.saturating_sub(fixed + kept).max(NAME));
        Self {
            name,
            time,
            bar,
            tail: columns.saturating_sub(name + fixed + 2),
        }
    }

    /// Returns the deepest level for which a name still has room.
    pub(super) fn deepest(columns: Option<usize>) -> usize {
        let Some(columns) = columns else {
            return DEEPEST;
        };
        let others = fixed(TIME, bar(columns)) + columns / 3 + NAME + DEPTH_IN_WORDS;
        (columns.saturating_sub(others) / 3).clamp(1, DEEPEST)
    }
}

fn bar(columns: usize) -> usize {
    match columns {
        100.. => BAR,
        60.. => BAR / 2,
        _ => 0,
    }
}

/// Returns what duration and bar take, with their gaps.
fn fixed(time: usize, bar: usize) -> usize {
    time + 2 + bar + 2 * usize::from(bar > 0)
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
