//! The `OTEL_*` variables of the OTLP exporter.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::exporter::delta::Temporality;
use crate::exporter::otlp::config::{BatchLimits, Compression, OtlpConfig, Protocol};
use crate::exporter::otlp::headers::{check_header, set_header};
use crate::exporter::otlp::settings::{GivenUrl, Settings};
use crate::exporter::otlp::tls::{GivenFile, TlsFiles};
use crate::init::component::Environment;
use crate::percent;
use crate::trace::SpanLimits;
use crate::vars::{Value, Vars};

impl OtlpConfig {
    /// Reads the environment.
    pub(super) fn from_env(env: &mut Environment<'_>) -> Self {
        let mut config = Self::default();
        let selection = &env.selection;
        let lists = [&selection.traces, &selection.metrics, &selection.logs];
        config.selected = lists.map(|list| list.has("otlp"));
        let vars = &mut env.vars;
        config.general = read("", vars);
        config.signals = ["TRACES_", "METRICS_", "LOGS_"].map(|signal| read(signal, vars));
        config.metric_interval = vars.get("OTEL_METRIC_EXPORT_INTERVAL");
        config.metric_timeout = vars.get("OTEL_METRIC_EXPORT_TIMEOUT");
        config.temporality = vars.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE");
        config.exponential_histograms = exponential(vars);
        config.spans = batch_limits("OTEL_BSP", vars);
        config.logs = batch_limits("OTEL_BLRP", vars);
        config.log_limits = log_limits(vars);
        config.spool_directory = vars.text("OBS_SPOOL").map(PathBuf::from);
        config.spool_max_bytes = vars.parsed(
            "OBS_SPOOL_MAX_BYTES",
            "a whole number of bytes, such as 268435456",
            |text| text.parse().ok(),
        );
        config
    }
}

/// Reads the variables of one signal, such as `TRACES_`, or those of all signals.
fn read(signal: &str, vars: &mut Vars<'_>) -> Settings {
    let name = |what: &str| format!("OTEL_EXPORTER_OTLP_{signal}{what}");
    let mut file = |what| {
        let origin = name(what);
        let path = vars.text(&origin);
        path.map(|path| GivenFile::new(path, origin))
    };
    let tls = TlsFiles {
        certificate: file("CERTIFICATE"),
        client_certificate: file("CLIENT_CERTIFICATE"),
        client_key: file("CLIENT_KEY"),
    };
    let origin = name("ENDPOINT");
    Settings {
        endpoint: vars.text(&origin).map(|url| GivenUrl {
            url,
            origin: origin.into(),
            is_base: signal.is_empty(),
        }),
        insecure: vars.get(&name("INSECURE")),
        protocol: vars.get(&name("PROTOCOL")),
        compression: vars.get(&name("COMPRESSION")),
        timeout: vars.get(&name("TIMEOUT")),
        headers: headers(&name("HEADERS"), vars),
        tls,
    }
}

/// Reads the variables of the batch processor of one signal.
fn batch_limits(processor: &str, vars: &mut Vars<'_>) -> BatchLimits {
    let name = |what: &str| format!("{processor}_{what}");
    let mut count = |what| vars.get(&name(what)).map(NonZeroUsize::get);
    BatchLimits {
        queue_items: count("MAX_QUEUE_SIZE"),
        batch_items: count("MAX_EXPORT_BATCH_SIZE").map(|n| n as u64),
        delay: vars.get(&name("SCHEDULE_DELAY")),
        export_timeout: vars.get(&name("EXPORT_TIMEOUT")),
    }
}

/// Reads the limits of log records (specification, "`LogRecord` Limits"); what is said of log records counts before
/// what is said of all attributes.
fn log_limits(vars: &mut Vars<'_>) -> SpanLimits {
    let default = SpanLimits::default();
    let count = vars.get("OTEL_ATTRIBUTE_COUNT_LIMIT");
    let length = vars.get("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let own_count = vars.get("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT");
    let own_length = vars.get("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    SpanLimits {
        attributes: own_count.or(count).unwrap_or(default.attributes),
        value_length: own_length.or(length).unwrap_or(default.value_length),
        ..default
    }
}

impl Value for Protocol {
    const EXPECTED: &str = "http/protobuf or grpc";

    fn parse(text: &str) -> Option<Self> {
        let known = [Self::HttpProtobuf, Self::Grpc];
        known.into_iter().find(|protocol| protocol.as_str() == text)
    }
}

impl Value for Compression {
    const EXPECTED: &str = "none or gzip";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// Case does not matter (metrics exporter for OTLP, "Additional environment variable configuration").
impl Value for Temporality {
    const EXPECTED: &str = "cumulative, delta or lowmemory";

    fn parse(text: &str) -> Option<Self> {
        match &*text.to_ascii_lowercase() {
            "cumulative" => Some(Self::Cumulative),
            "delta" => Some(Self::Delta),
            "lowmemory" => Some(Self::LowMemory),
            _ => None,
        }
    }
}

/// Returns whether histograms are exponential. Case does not matter, as with the temporality.
fn exponential(vars: &mut Vars<'_>) -> Option<bool> {
    vars.parsed(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram or base2_exponential_bucket_histogram",
        |text| match &*text.to_ascii_lowercase() {
            "explicit_bucket_histogram" => Some(false),
            "base2_exponential_bucket_histogram" => Some(true),
            _ => None,
        },
    )
}

/// Reads a list such as `key1=value1,key2=value2` with percent-encoded values (specification, "Specifying headers via
/// environment variables"). Messages do not repeat the text, which holds secrets.
fn headers(name: &str, vars: &mut Vars<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let list = vars.text(name).unwrap_or_default();
    for (i, entry) in list.split(',').enumerate() {
        if entry.trim().is_empty() {
            continue;
        }
        match header(entry) {
            Ok((key, value)) => set_header(&mut headers, key, value),
            Err(what) => vars.note(format!("{name}: entry {} {what}; it is left out", i + 1)),
        }
    }
    headers
}

fn header(entry: &str) -> Result<(String, String), &'static str> {
    const FORM: &str = "is not `name=value`: expected a list such as `api-key=abc,x-tenant=1`, values \
                        percent-encoded";
    let (key, value) = entry.split_once('=').ok_or(FORM)?;
    let value = percent::decode(value.trim()).ok_or(FORM)?;
    let header = (key.trim().to_owned(), value);
    if header.0.is_empty() {
        return Err(FORM);
    }
    match check_header(&header) {
        Ok(()) => Ok(header),
        Err(_) => Err(
            "cannot be a header: expected a name of letters, digits and `-` that the exporter does not set \
             itself, and a value of visible ASCII",
        ),
    }
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
