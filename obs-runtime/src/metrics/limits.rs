//! How many series a metric may have, and what the labels of all further ones are.

use crate::semconv::attribute;

/// The most series of a metric, unless its definition says otherwise (OpenTelemetry metrics SDK,
/// "Cardinality limits").
pub(crate) const MAX_SERIES: usize = 2_000;

/// The most values of a label, unless the definition says otherwise: more are a mistake, nearly
/// always.
pub(super) const MAX_LABEL_VALUES: usize = 100;

/// The labels of the series that counts what exceeds a limit (OpenTelemetry metrics SDK,
/// "Overflow attribute").
pub(crate) const OVERFLOW: [(&str, &str); 1] = [(attribute::OTEL_METRIC_OVERFLOW, "true")];

/// How many series one metric may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) series: usize,
    /// Different values of each label.
    pub(super) label_values: usize,
}
