//! The `OTEL_*` variables of the OTLP exporter.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::exporter::delta::Temporality;
use crate::exporter::otlp::config::{BatchLimits, Compression, OtlpConfig, Protocol, Signal};
use crate::exporter::otlp::headers::{check_header, set_header};
use crate::exporter::otlp::log_limits::LogLimits;
use crate::exporter::otlp::settings::{GivenUrl, Settings};
use crate::exporter::otlp::tls::{GivenFile, TlsFiles};
use crate::init::component::Environment;
use crate::percent;
use crate::vars::{Value, Vars};

/// The variables of one signal, or of all.
struct Names {
    endpoint: &'static str,
    insecure: &'static str,
    protocol: &'static str,
    headers: &'static str,
    timeout: &'static str,
    compression: &'static str,
    certificate: &'static str,
    client_certificate: &'static str,
    client_key: &'static str,
}

macro_rules! names {
    ($signal:literal) => {
        Names {
            endpoint: concat!("OTEL_EXPORTER_OTLP_", $signal, "ENDPOINT"),
            insecure: concat!("OTEL_EXPORTER_OTLP_", $signal, "INSECURE"),
            protocol: concat!("OTEL_EXPORTER_OTLP_", $signal, "PROTOCOL"),
            headers: concat!("OTEL_EXPORTER_OTLP_", $signal, "HEADERS"),
            timeout: concat!("OTEL_EXPORTER_OTLP_", $signal, "TIMEOUT"),
            compression: concat!("OTEL_EXPORTER_OTLP_", $signal, "COMPRESSION"),
            certificate: concat!("OTEL_EXPORTER_OTLP_", $signal, "CERTIFICATE"),
            client_certificate: concat!("OTEL_EXPORTER_OTLP_", $signal, "CLIENT_CERTIFICATE"),
            client_key: concat!("OTEL_EXPORTER_OTLP_", $signal, "CLIENT_KEY"),
        }
    };
}

const GENERAL: Names = names!("");
const TRACES: Names = names!("TRACES_");
const METRICS: Names = names!("METRICS_");
const LOGS: Names = names!("LOGS_");

impl OtlpConfig {
    /// Reads the environment.
    pub(super) fn from_env(env: &mut Environment<'_>) -> Self {
        let mut config = Self::default();
        let selection = &env.selection;
        let lists = [&selection.traces, &selection.metrics, &selection.logs];
        config.selected = lists.map(|list| list.has("otlp"));
        let vars = &mut env.vars;
        config.general = read(&GENERAL, vars);
        *config.signal_mut(Signal::Traces) = read(&TRACES, vars);
        *config.signal_mut(Signal::Metrics) = read(&METRICS, vars);
        *config.signal_mut(Signal::Logs) = read(&LOGS, vars);
        config.metric_interval = vars.get("OTEL_METRIC_EXPORT_INTERVAL");
        config.metric_timeout = vars.get("OTEL_METRIC_EXPORT_TIMEOUT");
        config.temporality = vars.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE");
        config.exponential_histograms = exponential(vars);
        config.spans = BatchLimits {
            queue_items: count("OTEL_BSP_MAX_QUEUE_SIZE", vars),
            batch_items: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", vars).map(|n| n as u64),
            delay: vars.get("OTEL_BSP_SCHEDULE_DELAY"),
            export_timeout: vars.get("OTEL_BSP_EXPORT_TIMEOUT"),
        };
        config.logs = BatchLimits {
            queue_items: count("OTEL_BLRP_MAX_QUEUE_SIZE", vars),
            batch_items: count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", vars).map(|n| n as u64),
            delay: vars.get("OTEL_BLRP_SCHEDULE_DELAY"),
            export_timeout: vars.get("OTEL_BLRP_EXPORT_TIMEOUT"),
        };
        config.log_limits = LogLimits::from_env(vars);
        config.spool_directory = vars.text("OBS_SPOOL").map(PathBuf::from);
        config.spool_max_bytes = vars.parsed(
            "OBS_SPOOL_MAX_BYTES",
            "a whole number of bytes, such as 268435456",
            |text| text.parse().ok(),
        );
        config
    }
}

fn read(names: &Names, vars: &mut Vars<'_>) -> Settings {
    let mut file = |origin| vars.text(origin).map(|path| GivenFile { path, origin });
    let tls = TlsFiles {
        certificate: file(names.certificate),
        client_certificate: file(names.client_certificate),
        client_key: file(names.client_key),
    };
    Settings {
        endpoint: vars.text(names.endpoint).map(|url| GivenUrl {
            url,
            origin: names.endpoint,
        }),
        insecure: vars.get(names.insecure),
        protocol: vars.get(names.protocol),
        compression: vars.get(names.compression),
        timeout: vars.get(names.timeout),
        headers: headers(names.headers, vars),
        tls,
    }
}

impl Value for Protocol {
    const EXPECTED: &str = "http/protobuf or grpc";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "http/protobuf" => Some(Self::HttpProtobuf),
            "grpc" => Some(Self::Grpc),
            _ => None,
        }
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

/// Whether histograms are exponential. Case does not matter, as with the temporality.
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

fn count(name: &str, vars: &mut Vars<'_>) -> Option<usize> {
    vars.get(name).map(NonZeroUsize::get)
}

/// `key1=value1,key2=value2` with percent-encoded values (specification, "Specifying headers
/// via environment variables"). Messages do not repeat the text, which holds secrets.
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
