//! `Serialize` for what programs store: the forms that types have in common.
//!
//! Types derive it where they are defined; their fields name the functions of this module. Enums and
//! ids are written as their texts, so that a stored word is the one that is shown.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// Implements `Serialize` for types: as the text of `as_str`, or of `Display`.
macro_rules! serialize_text {
    (as_str: $($type:ty),+) => {
        $(impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        })+
    };
    (display: $($type:ty),+) => {
        $(impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })+
    };
}
pub(crate) use serialize_text;

/// A float; what JSON has no number for is a text, as in the JSON mapping of Protocol Buffers.
pub(crate) struct Float(pub(crate) f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

/// Writes a [`Float`].
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Float(*value).serialize(serializer)
}

/// Writes a [`Float`], or null for a value that is not known.
#[allow(clippy::ref_option, reason = "serde passes references")]
pub(crate) fn float_or_null<S: Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.map(Float).serialize(serializer)
}

/// Writes a list of [`Float`]s.
pub(crate) fn floats<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().copied().map(Float))
}

/// Pairs as an object. Of pairs with the same key the last one counts.
pub(crate) struct Map<'a, K, V>(pub(crate) &'a [(K, V)]);

impl<K: Serialize + PartialEq, V: Serialize> Serialize for Map<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (at, (key, value)) in self.0.iter().enumerate() {
            if !self.0[at + 1..].iter().any(|(later, _)| later == key) {
                object.serialize_entry(key, value)?;
            }
        }
        object.end()
    }
}

/// Writes a [`Map`].
pub(crate) fn map<K: Serialize + PartialEq, V: Serialize, S: Serializer>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Map(pairs).serialize(serializer)
}

/// Writes a duration as a number of seconds.
#[cfg(any(feature = "llm", feature = "pipeline"))]
pub(crate) fn seconds<S: Serializer>(
    duration: &core::time::Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Writes a duration that may be unknown as a number of seconds.
#[cfg(any(feature = "llm", feature = "pipeline"))]
#[expect(clippy::ref_option, reason = "serde hands fields over like this")]
pub(crate) fn optional_seconds<S: Serializer>(
    duration: &Option<core::time::Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|known| known.as_secs_f64())
        .serialize(serializer)
}

/// Writes a moment as RFC 3339 in UTC, to the millisecond.
#[cfg(feature = "pipeline")]
pub(crate) fn time<S: Serializer>(
    time: &std::time::SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::rfc3339::rfc3339(*time))
}

#[cfg(test)]
#[path = "serialize_tests.rs"]
mod tests;
