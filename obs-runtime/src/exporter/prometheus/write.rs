//! Values and escaped texts of the format.

use core::fmt;

use crate::metrics::Number;

/// 2^53: whole numbers below it are exact as `f64`, and are written without exponent.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn format(out: &mut String, args: fmt::Arguments<'_>) {
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

/// The shortest text that reads back as the same number.
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

pub(super) fn whole(out: &mut String, mut value: u64) {
    // The digits of u64::MAX.
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    // Digits are valid UTF-8.
    out.push_str(core::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// A label's value: `\`, `"` and line feed are escaped.
pub(super) fn label_value(out: &mut String, value: &str) {
    escaped(out, value, true);
}

/// A help text: `\` and line feed are escaped.
pub(super) fn help(out: &mut String, text: &str) {
    escaped(out, text, false);
}

fn escaped(out: &mut String, text: &str, quotes: bool) {
    let special = |b: u8| b == b'\\' || b == b'\n' || (quotes && b == b'"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if special(byte) {
            out.push_str(&text[start..at]);
            out.push_str(match byte {
                b'\n' => "\\n",
                b'"' => "\\\"",
                _ => "\\\\",
            });
            start = at + 1;
        }
    }
    out.push_str(&text[start..]);
}
