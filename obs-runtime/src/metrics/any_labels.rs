//! Metrics whose labels come with each value, as in OpenTelemetry: not the same ones for every series.
//!
//! Such a metric has one label for the collector, named [`ANY`], whose value holds names and values.

/// No label can be named so.
pub(crate) const ANY: &str = "<any>";
/// Behind each name and each value.
pub(crate) const END: char = '\0';

/// The labels in a text of names and values in turns; an empty value is the same as no label.
pub(crate) fn labels(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut parts = text.split_terminator(END);
    core::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
        .filter(|(_, value)| !value.is_empty())
}
