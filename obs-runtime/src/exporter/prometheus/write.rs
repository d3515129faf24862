//! Values and escaped texts of the format.

use core::fmt;

use crate::metrics::Number;

/// 2^53: whole numbers below it are exact as `f64`, and are written without exponent.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn format(out: &mut String, args: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = fmt::Write::write_fmt(out, args);
}

pub(super) fn number(out: &mut String, value: Number) {
    match value {
        Number::U64(v) => whole(out, v),
        Number::I64(v) => {
            if v < 0 {
                out.push('-');
            }
            whole(out, v.unsigned_abs());
        }
        Number::F64(v) => float(out, v),
    }
}

/// Writes the shortest text that reads back as the same number.
pub(super) fn float(out: &mut String, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT {
        number(out, Number::I64(value as i64));
    } else if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if (1e-6..1e21).contains(&value.abs()) {
        format(out, format_args!("{value}"));
    } else {
        format(out, format_args!("{value:e}"));
    }
}

/// Writes a text of a list in an attribute's value, which is JSON (RFC 8259, section 7). This is by hand: a page needs
/// this alone of JSON, and is built without `serde_json`.
pub(super) fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => format(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Writes the bound of a bucket, or a quantile.
///
/// OpenMetrics wants them `canonical` ("Canonical numbers", which are those of C's `%g`): `1.0`, `0.25`, `1e+06`,
/// `+Inf`.
pub(super) fn bound(out: &mut String, value: f64, canonical: bool) {
    if !canonical || !value.is_finite() {
        return float(out, value);
    }
    // `1.5e6`: the shortest digits, and the exponent.
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        format(out, format_args!("{value:?}"));
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let exponent = exponent.abs();
        format(out, format_args!("{digits}e{sign}{exponent:02}"));
    }
}

/// Writes a moment in seconds since the Unix epoch.
pub(super) fn moment(out: &mut String, unix_nanos: u64) {
    let (secs, nanos) = (unix_nanos / 1_000_000_000, unix_nanos % 1_000_000_000);
    format(out, format_args!("{secs}.{nanos:09}"));
}

pub(super) fn whole(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Writes a label's value: `\`, `"` and line feed are escaped.
pub(super) fn label_value(out: &mut String, value: &str) {
    escaped(out, value, true);
}

/// Writes a text whose `\` and line feeds are escaped, and its `"` where `quotes` says so.
pub(super) fn escaped(out: &mut String, text: &str, quotes: bool) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}
