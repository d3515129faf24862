//! `traceparent` (W3C Trace Context Level 2, section 3.2): its parser and its writer.

use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use crate::trace::ids::lower_hex;
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// The length of `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;
/// The flags that have a meaning; the others are sent as zero (section 3.2.2.5.3).
const KNOWN_FLAGS: u8 = TraceFlags::SAMPLED.bits() | TraceFlags::RANDOM.bits();

/// The error of parsing a text that is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTraceparentError {
    wrong: Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Length,
    Separator,
    Version,
    TraceId,
    SpanId,
    Flags,
}

impl fmt::Display for ParseTraceparentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("traceparent: ")?;
        f.write_str(match self.wrong {
            Wrong::Length => "expected 55 characters in version 00, and at least 55 in later ones",
            Wrong::Separator => "expected `-` between version, trace id, parent id and flags",
            Wrong::Version => {
                "expected a version of 2 lower-case hexadecimal digits that is not ff"
            }
            Wrong::TraceId => {
                "expected a trace id of 32 lower-case hexadecimal digits, not all zero"
            }
            Wrong::SpanId => {
                "expected a parent id of 16 lower-case hexadecimal digits, not all zero"
            }
            Wrong::Flags => "expected flags of 2 lower-case hexadecimal digits",
        })
    }
}

impl core::error::Error for ParseTraceparentError {}

impl From<Wrong> for ParseTraceparentError {
    fn from(wrong: Wrong) -> Self {
        Self { wrong }
    }
}

impl SpanContext {
    /// Parses the value of a `traceparent` header: the span of another process, for use as a
    /// parent.
    ///
    /// Versions after 00 are read as far as version 00 goes, as the specification asks.
    ///
    /// ```
    /// use obs_runtime::SpanContext;
    ///
    /// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let caller = SpanContext::from_traceparent(header)?;
    /// assert!(caller.is_sampled() && caller.is_remote());
    /// assert_eq!(caller.span_id().to_string(), "00f067aa0ba902b7");
    /// # Ok::<(), obs_runtime::propagation::ParseTraceparentError>(())
    /// ```
    ///
    /// # Errors
    /// Fails if the text is not exactly a `traceparent`: digits in upper case, ids that are zero,
    /// other lengths, surrounding space and version ff are refused.
    pub fn from_traceparent(text: &str) -> Result<Self, ParseTraceparentError> {
        let bytes = text.as_bytes();
        let head = bytes.get(..LENGTH).ok_or(Wrong::Length)?;
        let rest = &bytes[LENGTH..];
        if [2, 35, 52].iter().any(|at| head[*at] != b'-') {
            return Err(Wrong::Separator.into());
        }
        // A character of several bytes at the end of a part makes the slice `None`.
        let byte = |at: Range<usize>| text.get(at).and_then(|digits| lower_hex(digits, 2));
        let version = byte(0..2)
            .filter(|version| *version != 0xff)
            .ok_or(Wrong::Version)?;
        if version == 0 && !rest.is_empty() {
            return Err(Wrong::Length.into());
        }
        if rest.first().is_some_and(|next| *next != b'-') {
            return Err(Wrong::Separator.into());
        }
        let trace_id = text.get(3..35).and_then(|id| TraceId::from_str(id).ok());
        let span_id = text.get(36..52).and_then(|id| SpanId::from_str(id).ok());
        let flags = byte(53..55).ok_or(Wrong::Flags)? as u8;
        // The meaning of other bits in a later version is not known here.
        let flags = if version == 0 {
            flags
        } else {
            flags & KNOWN_FLAGS
        };
        let (trace_id, span_id) = (
            trace_id.ok_or(Wrong::TraceId)?,
            span_id.ok_or(Wrong::SpanId)?,
        );
        Self::remote(trace_id, span_id, TraceFlags::from_bits(flags))
            .ok_or_else(|| Wrong::TraceId.into())
    }

    /// Returns the span as the value of a `traceparent` header, in version 00.
    ///
    /// The flags "sampled" and "random" are written; others have no meaning yet and are left out.
    ///
    /// ```
    /// use obs_runtime::SpanContext;
    ///
    /// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
    /// assert_eq!(SpanContext::from_traceparent(text)?.to_traceparent(), text);
    /// # Ok::<(), obs_runtime::propagation::ParseTraceparentError>(())
    /// ```
    pub fn to_traceparent(self) -> String {
        let flags = self.trace_flags().bits() & KNOWN_FLAGS;
        format!("00-{}-{}-{flags:02x}", self.trace_id(), self.span_id())
    }
}

#[cfg(test)]
#[path = "traceparent_tests.rs"]
mod tests;
