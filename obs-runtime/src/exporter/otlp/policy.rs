//! How long to wait before a request is tried again (OTLP specification, "OTLP/HTTP Throttling"
//! and "Failures").

use std::time::Duration;

use crate::backoff;
use crate::exporter::otlp::config::Limits;
use crate::exporter::otlp::transport::Retry;

/// The pause after failed attempt number `attempt` (from 1), `elapsed` after the first one
/// began; `None` if it should be given up. `random` is from 0 to 1.
pub(super) fn pause(
    limits: &Limits,
    retry: Retry,
    attempt: u32,
    elapsed: Duration,
    random: f64,
) -> Option<Duration> {
    let pause = match retry {
        Retry::Never => return None,
        Retry::After(asked) => asked,
        Retry::Backoff => backoff(limits, attempt, random),
    };
    (elapsed.saturating_add(pause) <= limits.retry_for).then_some(pause)
}

/// The growing pause after failed attempt number `attempt`.
pub(super) fn backoff(limits: &Limits, attempt: u32, random: f64) -> Duration {
    let longest = backoff::doubled(limits.backoff, attempt, limits.max_backoff);
    backoff::shortened(longest, 0.5, random)
}

/// The pause that a `Retry-After` header asks for: seconds, or a date (RFC 9110, section
/// 10.2.3). `now` is the time since the Unix epoch.
pub(super) fn retry_after(value: &str, now: Duration) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = http_date(value)?;
    Some(Duration::from_secs(at.saturating_sub(now.as_secs())))
}

/// Seconds since the Unix epoch of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110,
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
#[path = "policy_tests.rs"]
mod tests;
