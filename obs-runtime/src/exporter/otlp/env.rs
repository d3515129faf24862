//! The `OTEL_*` variables of the OTLP exporter.

use core::time::Duration;

use crate::Error;
use crate::exporter::delta::Temporality;
use crate::exporter::otlp::config::{
    BatchLimits, Compression, GivenUrl, OtlpConfig, Protocol, Settings, Signal,
};
use crate::exporter::otlp::headers::set_header;
use crate::exporter::otlp::tls::{GivenFile, TlsFiles};

/// The variables of one signal, or of all.
struct Names {
    endpoint: &'static str,
    protocol: &'static str,
    headers: &'static str,
    timeout: &'static str,
    compression: &'static str,
    certificate: &'static str,
    client_certificate: &'static str,
    client_key: &'static str,
}

const GENERAL: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
};
const TRACES: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
};
const METRICS: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
};

const LOGS: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
};

impl OtlpConfig {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When a variable holds a value that cannot be used; the message names it.
    pub(crate) fn from_env() -> Result<Self, Error> {
        Self::from_vars(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::config(format!(
                "{name} is not UTF-8 text: set it anew or unset it"
            ))),
        })
    }

    /// Reads variables through `var`; an empty value counts as not set (specification,
    /// "Environment Variable Specification", "Parsing empty value").
    pub(super) fn from_vars(
        var: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        let get = |name: &str| -> Result<Option<String>, Error> {
            Ok(var(name)?
                .map(|v| v.trim().to_owned())
                .filter(|v| !v.is_empty()))
        };
        let mut config = Self::default();
        config.general = read(&GENERAL, &get)?;
        *config.signal_mut(Signal::Traces) = read(&TRACES, &get)?;
        *config.signal_mut(Signal::Metrics) = read(&METRICS, &get)?;
        *config.signal_mut(Signal::Logs) = read(&LOGS, &get)?;
        let exporters = [
            ("OTEL_TRACES_EXPORTER", Signal::Traces),
            ("OTEL_METRICS_EXPORTER", Signal::Metrics),
            ("OTEL_LOGS_EXPORTER", Signal::Logs),
        ];
        for (name, signal) in exporters {
            if let Some(list) = get(name)? {
                config.select(signal, names_otlp(name, &list)?);
            }
        }
        let interval = "OTEL_METRIC_EXPORT_INTERVAL";
        config.metric_interval = get(interval)?
            .map(|v| milliseconds(interval, &v))
            .transpose()?;
        let count = |name| get(name)?.map(|v| whole_number(name, &v)).transpose();
        let time = |name| get(name)?.map(|v| milliseconds(name, &v)).transpose();
        let batches = |[queue, batch, delay, timeout]: [&'static str; 4]| {
            Ok::<_, Error>(BatchLimits {
                queue_items: count(queue)?.map(|n| n as usize),
                batch_items: count(batch)?,
                delay: time(delay)?,
                export_timeout: time(timeout)?,
            })
        };
        config.temporality = get(TEMPORALITY)?.map(|v| temporality(&v)).transpose()?;
        config.exponential_histograms = get(AGGREGATION)?.map(|v| aggregation(&v)).transpose()?;
        config.spans = batches([
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "OTEL_BSP_SCHEDULE_DELAY",
            "OTEL_BSP_EXPORT_TIMEOUT",
        ])?;
        config.logs = batches([
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "OTEL_BLRP_SCHEDULE_DELAY",
            "OTEL_BLRP_EXPORT_TIMEOUT",
        ])?;
        Ok(config)
    }
}

fn read(
    names: &Names,
    get: &impl Fn(&str) -> Result<Option<String>, Error>,
) -> Result<Settings, Error> {
    let mut settings = Settings {
        endpoint: get(names.endpoint)?.map(|url| GivenUrl {
            url,
            origin: names.endpoint,
        }),
        ..Settings::default()
    };
    settings.protocol = match get(names.protocol)?.as_deref() {
        None => None,
        Some("http/protobuf") => Some(Protocol::HttpProtobuf),
        Some("grpc") => Some(Protocol::Grpc),
        Some(other) => return Err(bad(names.protocol, other, "`http/protobuf` or `grpc`")),
    };
    settings.compression = match get(names.compression)?.as_deref() {
        None => None,
        Some("none") => Some(Compression::None),
        Some("gzip") => Some(Compression::Gzip),
        Some(other) => return Err(bad(names.compression, other, "`none` or `gzip`")),
    };
    settings.timeout = get(names.timeout)?
        .map(|v| milliseconds(names.timeout, &v))
        .transpose()?;
    let file = |origin| Ok::<_, Error>(get(origin)?.map(|path| GivenFile { path, origin }));
    settings.tls = TlsFiles {
        certificate: file(names.certificate)?,
        client_certificate: file(names.client_certificate)?,
        client_key: file(names.client_key)?,
    };
    if let Some(list) = get(names.headers)? {
        settings.headers = headers(names.headers, &list)?;
    }
    Ok(settings)
}

const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
const AGGREGATION: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Values of both variables ignore case (metrics exporter for OTLP, "Additional environment
/// variable configuration").
fn temporality(value: &str) -> Result<Temporality, Error> {
    Ok(match &*value.to_ascii_lowercase() {
        "cumulative" => Temporality::Cumulative,
        "delta" => Temporality::Delta,
        "lowmemory" => Temporality::LowMemory,
        _ => {
            let expected = "`cumulative`, `delta` or `lowmemory`";
            return Err(bad(TEMPORALITY, value, expected));
        }
    })
}

/// Whether it is the exponential one.
fn aggregation(value: &str) -> Result<bool, Error> {
    match &*value.to_ascii_lowercase() {
        "explicit_bucket_histogram" => Ok(false),
        "base2_exponential_bucket_histogram" => Ok(true),
        _ => {
            let expected = "`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`";
            Err(bad(AGGREGATION, value, expected))
        }
    }
}

/// Whether a list of exporters names OTLP. Names that other parts of obs read are let through.
fn names_otlp(name: &str, list: &str) -> Result<bool, Error> {
    let mut otlp = false;
    for entry in list.split(',').map(str::trim) {
        match entry {
            "otlp" => otlp = true,
            "none" | "console" | "prometheus" | "" => {}
            other => {
                let expected = "a list of `otlp`, `console`, `prometheus`, or `none`";
                return Err(bad(name, other, expected));
            }
        }
    }
    Ok(otlp)
}

fn whole_number(name: &str, value: &str) -> Result<u64, Error> {
    let number = value.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| bad(name, value, "a whole number above 0, such as 512"))
}

fn milliseconds(name: &str, value: &str) -> Result<Duration, Error> {
    match value.parse::<u64>() {
        Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
        _ => Err(bad(
            name,
            value,
            "a whole number of milliseconds above 0, such as 10000",
        )),
    }
}

/// `key1=value1,key2=value2` with percent-encoded values (specification, "Specifying headers
/// via environment variables"). The message does not repeat the text, which holds secrets.
fn headers(name: &str, list: &str) -> Result<Vec<(String, String)>, Error> {
    let wrong = |position: usize| {
        Error::config(format!(
            "{name}: entry {position} is not `name=value`: expected a list such as \
             `api-key=abc,x-tenant=1`, values percent-encoded"
        ))
    };
    let mut headers = Vec::new();
    for (i, entry) in list.split(',').enumerate() {
        if entry.trim().is_empty() {
            continue;
        }
        let (key, value) = entry.split_once('=').ok_or_else(|| wrong(i + 1))?;
        let key = key.trim();
        let value = percent_decode(value.trim()).ok_or_else(|| wrong(i + 1))?;
        if key.is_empty() {
            return Err(wrong(i + 1));
        }
        set_header(&mut headers, key.to_owned(), value);
    }
    Ok(headers)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            out.push((high * 16 + low) as u8);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn bad(name: &str, value: &str, expected: &str) -> Error {
    Error::config(format!("{name} is {value:?}: expected {expected}"))
}
