//! Trace and span ids (W3C Trace Context Level 2, sections 3.2.2.3 and 3.2.2.4).

use core::fmt;
use core::str::FromStr;

/// Declares an id: its number, and the bytes and hexadecimal digits that it has outside.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($number:ty), $bytes:literal bytes, $digits:literal digits) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
        pub struct $name(pub(crate) $number);

        impl $name {
            /// Creates an id from its bytes, most significant first.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(<$number>::from_be_bytes(bytes))
            }

            /// Returns the id's bytes, most significant first, as OTLP carries them.
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0.to_be_bytes()
            }

            /// Returns whether the id is valid, that is, not zero.
            pub const fn is_valid(self) -> bool {
                self.0 != 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$x}", self.0, width = $digits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let id = lower_hex(text, $digits).filter(|id| *id != 0);
                let error = ParseIdError { expected_digits: $digits };
                id.map(|id| Self(id as $number)).ok_or(error)
            }
        }
    };
}

id! {
    /// The 128-bit id of a trace. It is never zero in a valid context.
    ///
    /// ```
    /// use obs_runtime::trace::TraceId;
    ///
    /// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
    /// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    TraceId(u128), 16 bytes, 32 digits
}

id! {
    /// The 64-bit id of a span. It is never zero in a valid context.
    SpanId(u64), 8 bytes, 16 digits
}

/// The error of parsing a text that is not a trace or span id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    expected_digits: usize,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected {} lower-case hexadecimal digits, not all zero",
            self.expected_digits
        )
    }
}

impl core::error::Error for ParseIdError {}

#[cfg(feature = "serde")]
crate::serialize::serialize_text!(display: TraceId, SpanId);

/// Parses a number of exactly so many lower-case hexadecimal digits.
pub(super) fn lower_hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(is_digit);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
