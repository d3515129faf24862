//! When a server asks to come back: the header `Retry-After`.

use core::time::Duration;

use crate::clock::unix_nanos;

/// Reads the value of a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).
///
/// A date is compared with the answer's own, the value of its `Date` header: the system's clock may be wrong, or be set
/// between two answers.
pub(crate) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = http_date(value)?;
    let now = date.and_then(http_date);
    let now = now.unwrap_or_else(|| unix_nanos() / 1_000_000_000);
    Some(Duration::from_secs(at.saturating_sub(now)))
}

/// Reads it from the headers of an answer.
#[cfg(any(
    feature = "genai",
    feature = "rig",
    all(feature = "llm", feature = "reqwest")
))]
pub(crate) fn of_headers<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Option<Duration> {
    retry_after(header("retry-after")?, header("date"))
}

/// Returns the seconds since the Unix epoch of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110,
/// section 5.6.7; its two obsolete forms are not read).
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(',')?.1.split_ascii_whitespace();
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|m| *m == month)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(|n| n.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let known = words.next() == Some("GMT") && (1..=31).contains(&day);
    if !known || !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days of the civil calendar, counted in years that begin in March: the leap day is last.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;
    let since_epoch = days.checked_sub(719_468)?;
    Some(since_epoch * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
#[path = "retry_after_tests.rs"]
mod tests;
