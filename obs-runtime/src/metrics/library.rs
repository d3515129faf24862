//! The library that a metric belongs to: what OpenTelemetry calls its instrumentation scope.

use core::sync::atomic::{AtomicU32, Ordering};
use std::borrow::Cow;
use std::sync::Arc;

use super::MetricFamily;
use crate::AttributeValue;
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_SCHEMA_URL, OTEL_SCOPE_VERSION};

/// Who made an instrument through OpenTelemetry's API: the name of the meter, with its version,
/// the URL of its schema, and its attributes. OpenTelemetry says "instrumentation scope".
///
/// Metrics of one name that belong to different libraries are different metrics. Over OTLP each
/// library has a scope of its own; everywhere else its metrics have labels that name it
/// (`otel.scope.name`, `otel_scope_name` in Prometheus).
///
/// ```
/// # #[cfg(all(feature = "opentelemetry", feature = "testing"))] {
/// use obs_runtime::{interop::opentelemetry::MeterProvider, testing};
/// use opentelemetry::metrics::MeterProvider as _;
///
/// let captured = testing::capture(|| {
///     let meter = MeterProvider::current().meter("driver");
///     meter.u64_counter("queries").build().add(1, &[]);
/// });
/// let queries = captured.metrics.iter().find(|family| family.name == "queries");
/// let library = queries.and_then(|family| family.library.as_deref());
/// assert_eq!(library.map(|library| library.name()), Some("driver"));
/// # }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Library {
    /// Tells namespaces apart whose libraries look the same.
    #[cfg_attr(feature = "serde", serde(skip))]
    namespace: u32,
    name: Cow<'static, str>,
    version: Cow<'static, str>,
    schema_url: Cow<'static, str>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    attributes: Vec<(Cow<'static, str>, AttributeValue)>,
    /// What names it where there are no scopes.
    #[cfg_attr(feature = "serde", serde(skip))]
    labels: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

/// An attribute of a library, with its value as a text as well.
pub(crate) type LibraryAttribute = (Cow<'static, str>, AttributeValue, String);

/// What is empty is not known.
impl Library {
    #[cfg_attr(
        not(any(test, feature = "opentelemetry")),
        allow(dead_code, reason = "for meters of OpenTelemetry's API")
    )]
    pub(crate) fn new(
        name: Cow<'static, str>,
        version: Cow<'static, str>,
        schema_url: Cow<'static, str>,
        attributes: Vec<LibraryAttribute>,
    ) -> Self {
        // OpenTelemetry, "Prometheus and OpenMetrics compatibility": an attribute that has the name of another part is
        // left out.
        let parts = [
            (OTEL_SCOPE_NAME, &name),
            (OTEL_SCOPE_VERSION, &version),
            (OTEL_SCOPE_SCHEMA_URL, &schema_url),
        ];
        let known = parts.iter().filter(|(_, text)| !text.is_empty());
        let known = known.map(|(key, text)| (Cow::Borrowed(*key), (*text).clone()));
        let further = attributes.iter();
        let further = further.map(|(key, _, text)| (format!("otel.scope.{key}"), text));
        let further = further.filter(|(key, _)| parts.iter().all(|(part, _)| key != part));
        let further = further.map(|(key, text)| (Cow::Owned(key), Cow::Owned(text.clone())));
        let labels = known.chain(further).collect();
        Self {
            namespace: namespace(),
            name,
            version,
            schema_url,
            attributes: attributes.into_iter().map(|(k, v, _)| (k, v)).collect(),
            labels,
        }
    }

    /// Returns the same library with a namespace of its own: its metrics are others, even if their
    /// names are the same.
    #[cfg_attr(
        not(any(test, feature = "opentelemetry")),
        allow(dead_code, reason = "for meters of OpenTelemetry's API")
    )]
    pub(crate) fn beside(&self) -> Self {
        Self {
            namespace: namespace(),
            ..self.clone()
        }
    }

    /// Returns the number of the namespace, from 1.
    pub(crate) const fn namespace(&self) -> u32 {
        self.namespace
    }

    /// Returns the name of the meter; empty if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version; empty if it is not known.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the URL of the schema that the names follow; empty if it is not known.
    pub fn schema_url(&self) -> &str {
        &self.schema_url
    }

    /// Returns the attributes.
    pub fn attributes(&self) -> &[(Cow<'static, str>, AttributeValue)] {
        &self.attributes
    }
}

/// Returns a number that no namespace has had.
fn namespace() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The same library may have several namespaces.
impl PartialEq for Library {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.version, &self.schema_url)
            == (&other.name, &other.version, &other.schema_url)
            && self.attributes == other.attributes
    }
}

/// Writes the library of a family.
#[cfg(feature = "serde")]
#[allow(clippy::ref_option, reason = "serde passes references")]
pub(super) fn serialize<S: serde::Serializer>(
    library: &Option<Arc<Library>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&library.as_deref(), serializer)
}

impl MetricFamily {
    /// Returns the family with its [`library`](Self::library) as labels of each point, for formats
    /// that know no libraries.
    ///
    /// ```
    /// # use obs_runtime::metrics::MetricsCollector;
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let collector = MetricsCollector::new();
    /// collector.counter("rows").build()?.inc();
    /// let families = collector.collect_all();
    /// // Metrics of the program itself stay as they are.
    /// assert_eq!(*families[0].with_library_labels(), families[0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_library_labels(&self) -> Cow<'_, Self> {
        match &self.library {
            Some(library) if !library.labels.is_empty() => {
                Cow::Owned(self.with_labels(library.labels.iter().cloned()))
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Sets the library of a family that has none.
    #[cfg_attr(
        not(any(test, feature = "opentelemetry")),
        allow(dead_code, reason = "for meters of OpenTelemetry's API")
    )]
    pub(crate) fn of_library(mut self, library: Option<&Arc<Library>>) -> Self {
        self.library = library.cloned();
        self
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
