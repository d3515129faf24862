//! Durations, which users write as text: `"500ms"`, `"30s"`, `"1h 30m"`.

use core::time::Duration;

use syn::Expr;

use super::expr::{as_text, plain};
use super::list::Arg;
use crate::errors::Errors;

/// A duration as it was written.
#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum DurationArg {
    /// `"30s"`
    Known(Duration),
    /// A constant of the user, of type `Duration`.
    Expr(Expr),
}

impl Arg {
    /// `name = "30s"`, or a constant.
    pub(crate) fn duration(self, errors: &mut Errors) -> Option<DurationArg> {
        let name = self.name.to_string();
        let value = self.expr(errors)?;
        if let Expr::Lit(lit) = plain(&value)
            && as_text(&value).is_none()
        {
            let message = format!("`{name}` needs a unit: `{name} = \"30s\"`");
            errors.push_on(lit, message);
            return None;
        }
        let Some(text) = as_text(&value) else {
            return Some(DurationArg::Expr(value));
        };
        if let Some(duration) = parse(&text.value()) {
            Some(DurationArg::Known(duration))
        } else {
            let message = format!(
                "`{name}` is a duration above zero with units `ms`, `s`, `m`, `h` or `d`: \"500ms\", \"30s\", \"1h 30m\""
            );
            errors.push(text.span(), message);
            None
        }
    }
}

/// Parts of a whole number and a unit, added up; nothing else, and more than zero.
fn parse(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: u64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let part = match &after[..letters] {
            "ms" => Duration::from_millis(amount),
            "s" => Duration::from_secs(amount),
            "m" | "min" => Duration::from_secs(amount.checked_mul(60)?),
            "h" => Duration::from_secs(amount.checked_mul(3_600)?),
            "d" => Duration::from_secs(amount.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after[letters..].trim_start();
    }
    (!total.is_zero()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_up() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("2 d", 172_800_000),
            ("1min", 60_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "s",
            "30",
            "30 parsecs",
            "-1s",
            "1.5s",
            "0s",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
