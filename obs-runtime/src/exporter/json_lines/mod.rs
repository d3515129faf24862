//! Metrics and spans as lines of JSON, in the form of OTLP.
//!
//! Each line is one export in OTLP's JSON encoding (OpenTelemetry protocol, "OTLP File Exporter"),
//! which the collector's `otlpjsonfile` receiver, `jq` and databases read.

mod metrics;
mod spans;
mod write;

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::ser::Serialize;

use crate::error::ErrorKind;
use crate::exporter::{MetricBatch, MetricExporter, RecordExporter};
use crate::lock::lock;
use crate::trace::SpanRecord;
use crate::{AttributeValue, Error, json};

/// Writes metrics, spans or both as lines of OTLP JSON. A clone writes to the same place. Needs the feature `json`.
///
/// ```
/// use obs_runtime::{Observability, exporter::{ExportSchedule, JsonLines}};
/// # fn main() -> Result<(), obs_runtime::Error> {
/// # let path = std::env::temp_dir().join(format!("obs-json-lines-{}", std::process::id()));
/// let lines = JsonLines::file(&path)?;
/// let obs = Observability::builder()
///     .service_name("etl")
///     .record_exporter(lines.clone())
///     .metric_exporter_with(lines, ExportSchedule::new().interval(core::time::Duration::from_secs(10)))
///     .install()?;
/// obs.metrics().counter("rows").build()?.add(3);
/// obs.shutdown()?;
/// let text = std::fs::read_to_string(&path).unwrap_or_default();
/// assert!(text.lines().any(|line| line.starts_with("{\"resourceMetrics\":")));
/// # let _ = std::fs::remove_file(path);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JsonLines {
    target: Arc<Mutex<Target>>,
    resource: Vec<(Cow<'static, str>, AttributeValue)>,
}

struct Target {
    writer: Box<dyn Write + Send>,
    /// The last line was cut off by an error.
    broken: bool,
}

impl JsonLines {
    /// Appends to a file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(Self::writer).map_err(|e| {
            Error::config(format!(
                "the file {} for lines of JSON cannot be opened ({e}): choose one in a directory that exists and \
                 can be written",
                path.display()
            ))
        })
    }

    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::writer(io::stdout())
    }

    /// Writes to anything. A line is one call of `write_all`, followed by `flush`.
    pub fn writer(writer: impl Write + Send + 'static) -> Self {
        let target = Target {
            writer: Box::new(writer),
            broken: false,
        };
        Self {
            target: Arc::new(Mutex::new(target)),
            resource: Vec::new(),
        }
    }

    fn line(&self, json: &impl Serialize) -> Result<(), Error> {
        let mut line = json::dense(json);
        line.push(b'\n');
        let mut target = lock(&self.target);
        if target.broken {
            line.insert(0, b'\n');
        }
        let written = target.writer.write_all(&line);
        let written = written.and_then(|()| target.writer.flush());
        target.broken = written.is_err();
        written.map_err(|e| {
            Error::new(
                ErrorKind::Export,
                format!("a line of JSON was not written: {e}"),
            )
        })
    }
}

impl core::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}

impl MetricExporter for JsonLines {
    fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error> {
        self.line(&metrics::line(batch))
    }
}

impl RecordExporter for JsonLines {
    fn begin(&mut self, resource: &[(Cow<'static, str>, AttributeValue)]) {
        self.resource = resource.to_vec();
    }

    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.line(&spans::line(&self.resource, &batch))
    }
}

#[cfg(test)]
#[path = "json_lines_tests.rs"]
mod tests;
