//! `Serialize` for the parts of a snapshot that cannot derive it.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::labels::Labels;
use super::points::Points;
use super::snapshot::SummaryPoint;
use crate::serialize::float;

/// Writes an object of names with their values.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

/// Writes a list of the points.
impl<P: Serialize> Serialize for Points<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// Writes the fields, each quantile with its value.
impl Serialize for SummaryPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quantiles = self.values().into_iter();
        let quantiles = quantiles.map(|(quantile, value)| Quantile { quantile, value });
        let mut point = serializer.serialize_struct("SummaryPoint", 2)?;
        point.serialize_field("histogram", &self.histogram)?;
        point.serialize_field("quantiles", &quantiles.collect::<Vec<_>>())?;
        point.end()
    }
}

#[derive(serde::Serialize)]
struct Quantile {
    #[serde(serialize_with = "float")]
    quantile: f64,
    #[serde(serialize_with = "float")]
    value: f64,
}

#[cfg(test)]
#[path = "serialize_tests.rs"]
mod tests;
