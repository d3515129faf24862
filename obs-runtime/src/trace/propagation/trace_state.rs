//! `tracestate` (W3C Trace Context Level 2, section 3.3), which is carried on and never changed.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

/// How many bytes are passed on. Larger lists lose whole members, as section 3.3.1.5 orders them.
const MAX_BYTES: usize = 512;
/// The size above which a member is dropped first from a list that is too large.
const LARGE_MEMBER: usize = 128;
const MAX_MEMBERS: usize = 32;
const MAX_KEY_OR_VALUE: usize = 256;

/// The additions of tracing systems to the identity of a trace, as they came.
///
/// ```
/// use obs_runtime::propagation::TraceState;
///
/// let state: TraceState = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7".parse()?;
/// assert_eq!(state.get("rojo"), Some("00f067aa0ba902b7"));
/// assert!("Upper=case".parse::<TraceState>().is_err());
/// # Ok::<(), obs_runtime::propagation::ParseTraceStateError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceState(Option<Arc<str>>);

/// The error of parsing a text that is not a `tracestate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTraceStateError {
    /// The number of the member, from 1.
    member: usize,
    wrong: &'static str,
}

impl fmt::Display for ParseTraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tracestate, member {}: {}", self.member, self.wrong)
    }
}

impl core::error::Error for ParseTraceStateError {}

impl TraceState {
    /// Returns the value of a header; empty if there is none.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns whether there is nothing to pass on.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the value that one tracing system left.
    pub fn get(&self, key: &str) -> Option<&str> {
        members(self.as_str())
            .filter_map(|member| member.split_once('='))
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// Reads several headers, which are one list (section 3.3.1).
    ///
    /// A list with a mistake is not passed on (section 4.3), because half of it would say something
    /// else.
    pub(super) fn join(headers: &[&str]) -> Self {
        match headers {
            [] => Ok(Self::default()),
            [one] => one.parse(),
            several => several.join(",").parse(),
        }
        .unwrap_or_default()
    }
}

impl FromStr for TraceState {
    type Err = ParseTraceStateError;

    fn from_str(text: &str) -> Result<Self, ParseTraceStateError> {
        let error = |at: usize, wrong| ParseTraceStateError {
            member: at + 1,
            wrong,
        };
        let mut keys: Vec<&str> = Vec::new();
        for (at, member) in members(text).enumerate() {
            if at == MAX_MEMBERS {
                return Err(error(at, "more than 32 members"));
            }
            let (key, value) = member
                .split_once('=')
                .ok_or_else(|| error(at, "expected `key=value`"))?;
            if !is_key(key) {
                let wrong = "expected a key of lower-case letters, digits and `_-*/@`";
                return Err(error(at, wrong));
            }
            if !is_value(value) {
                let wrong = "expected a value of 1 to 256 printable ASCII characters without `=`";
                return Err(error(at, wrong));
            }
            if keys.contains(&key) {
                return Err(error(at, "a key that was there already"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let text = text.trim_matches([' ', '\t']);
        if text.len() <= MAX_BYTES {
            return Ok(Self(Some(text.into())));
        }
        let kept = bounded(text);
        Ok(Self((!kept.is_empty()).then(|| kept.into())))
    }
}

/// Returns the list's members without the space around them. Empty ones are allowed and skipped.
fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty())
}

/// Bounds a list: large members go first, then those on the right, since the latest are on the
/// left.
fn bounded(text: &str) -> String {
    let mut kept: Vec<&str> = members(text).collect();
    let size = |kept: &[&str]| kept.iter().map(|m| m.len() + 1).sum::<usize>();
    while size(&kept) > MAX_BYTES + 1 {
        match kept.iter().rposition(|member| member.len() > LARGE_MEMBER) {
            Some(large) => kept.remove(large),
            None => match kept.pop() {
                Some(last) => last,
                None => break,
            },
        };
    }
    kept.join(",")
}

fn is_key(key: &str) -> bool {
    let first = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    key.len() <= MAX_KEY_OR_VALUE
        && key.as_bytes().first().is_some_and(first)
        && key.bytes().all(|b| first(&b) || b"_-*/@".contains(&b))
}

/// Returns whether a value is valid. The list was trimmed, so it has no space at the end.
fn is_value(value: &str) -> bool {
    let allowed = |b: u8| matches!(b, 0x20..=0x7e) && b != b'=' && b != b',';
    (1..=MAX_KEY_OR_VALUE).contains(&value.len()) && value.bytes().all(allowed)
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
#[path = "trace_state_tests.rs"]
mod tests;
