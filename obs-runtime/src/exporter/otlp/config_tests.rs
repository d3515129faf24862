use super::*;
use crate::exporter::otlp::target::Target;
use crate::init::component::Environment;
use crate::vars::Vars;

/// The configuration, and what is said of values that are left out.
pub(super) fn read(vars: &[(&str, &str)]) -> (OtlpConfig, Vec<String>) {
    let mut env = Environment::new(Vars::of_list(vars));
    (OtlpConfig::from_env(&mut env), env.vars.problems)
}

fn from(vars: &[(&str, &str)]) -> OtlpConfig {
    let (config, problems) = read(vars);
    assert_eq!(problems, [""; 0]);
    config
}

/// Where traces, metrics and logs go; empty if they are not sent.
fn urls(config: &OtlpConfig) -> [String; 3] {
    [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| {
        let target = config.target(signal).unwrap();
        target.map(|t| t.endpoint.url).unwrap_or_default()
    })
}

#[test]
fn without_a_word_nothing_is_sent() {
    assert_eq!(urls(&OtlpConfig::default()), ["", "", ""]);
    let headers_only = from(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "  "),
    ]);
    assert_eq!(urls(&headers_only), ["", "", ""]);
}

#[test]
fn endpoint_forms() {
    for (base, traces) in [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        (
            "HTTPS://otlp.example/otlp/",
            "https://otlp.example/otlp/v1/traces",
        ),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ] {
        assert_eq!(urls(&OtlpConfig::new(base))[0], traces);
    }
    let own = from(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:3/in?x=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://d:4/logs"),
    ]);
    // "Used as is".
    assert_eq!(
        urls(&own),
        ["http://b:2/", "http://c:3/in?x=1", "http://d:4/logs"]
    );
    let traces_only = from(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2/x")]);
    assert_eq!(urls(&traces_only), ["http://b:2/x", "", ""]);
}

#[test]
fn lists_of_exporters_turn_signals_on_and_off() {
    let config = from(&[
        ("OTEL_TRACES_EXPORTER", "otlp,console"),
        ("OTEL_METRICS_EXPORTER", "prometheus,console"),
        ("OTEL_LOGS_EXPORTER", "console"),
    ]);
    assert_eq!(urls(&config), ["http://localhost:4318/v1/traces", "", ""]);
    let off = [("OTEL_TRACES_EXPORTER", "none")];
    let env = from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"), off[0]]);
    assert_eq!(
        urls(&env),
        ["", "http://a:1/v1/metrics", "http://a:1/v1/logs"]
    );
    let logs = from(&[("OTEL_LOGS_EXPORTER", "otlp")]);
    assert_eq!(urls(&logs), ["", "", "http://localhost:4318/v1/logs"]);
    // The builder's endpoint beats the environment's list.
    let both = OtlpConfig::new("http://b:2").or(from(&off));
    assert_eq!(urls(&both)[0], "http://b:2/v1/traces");
}

#[test]
fn the_builder_comes_first_and_one_signal_before_all() {
    let env = || {
        from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=env,B=env%20b"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=traces"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "3000"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ])
    };
    let target = env().target(Signal::Traces).unwrap().unwrap();
    assert_eq!(target.endpoint.url, "http://env:2/");
    assert_eq!(target.timeout, Duration::from_secs(3));
    assert_eq!(target.compression, Compression::Gzip);
    let header = |target: &Target, name: &str| {
        let found = target.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.clone()).unwrap_or_default()
    };
    assert_eq!(
        (header(&target, "a"), header(&target, "B")),
        ("traces".into(), "env b".into())
    );

    let built = OtlpConfig::new("http://built:9")
        .timeout(Duration::from_secs(7))
        .compression(Compression::None)
        .header("A", "built")
        .or(env());
    let target = built.target(Signal::Traces).unwrap().unwrap();
    assert_eq!(target.endpoint.url, "http://built:9/v1/traces");
    assert_eq!(target.timeout, Duration::from_secs(7));
    assert_eq!(target.compression, Compression::None);
    assert_eq!(target.headers.len(), 2, "{:?}", target.headers);
    assert_eq!(
        (header(&target, "A"), header(&target, "B")),
        ("built".into(), "env b".into())
    );
    assert_eq!(built.metrics_every(), Duration::from_millis(500));
    assert_eq!(
        OtlpConfig::default().metrics_every(),
        Duration::from_secs(60)
    );
    let plain = OtlpConfig::new("http://built:9").target(Signal::Metrics);
    assert_eq!(plain.unwrap().unwrap().timeout, Duration::from_secs(10));
}

/// A setting, its variable, a configuration that says it, and what is shown of it.
type Row = (
    &'static str,
    &'static str,
    fn(OtlpConfig) -> OtlpConfig,
    fn(&OtlpConfig) -> String,
    [&'static str; 3],
);

const SETTINGS: [Row; 7] = [
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "grpc",
        |config| config.protocol(Protocol::HttpProtobuf),
        |config| format!("{:?}", config.general.protocol),
        ["None", "Some(Grpc)", "Some(HttpProtobuf)"],
    ),
    (
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "2000",
        |config| config.timeout(Duration::from_secs(7)),
        |config| format!("{:?}", config.general.timeout),
        ["None", "Some(2s)", "Some(7s)"],
    ),
    (
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "gzip",
        |config| config.compression(Compression::None),
        |config| format!("{:?}", config.general.compression),
        ["None", "Some(Gzip)", "Some(None)"],
    ),
    (
        "OTEL_METRIC_EXPORT_INTERVAL",
        "2000",
        |config| config.metric_interval(Duration::from_secs(7)),
        |config| format!("{:?}", config.metrics_every()),
        ["60s", "2s", "7s"],
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "delta",
        |config| config.temporality(Temporality::Cumulative),
        |config| format!("{:?}", config.temporality),
        ["None", "Some(Delta)", "Some(Cumulative)"],
    ),
    (
        "OBS_SPOOL",
        "env",
        |config| config.spool("said"),
        |config| format!("{:?}", config.spool_directory),
        ["None", "Some(\"env\")", "Some(\"said\")"],
    ),
    (
        "OBS_SPOOL_MAX_BYTES",
        "1000",
        |config| config.spool_max_bytes(2000),
        |config| format!("{:?}", config.spool_max_bytes),
        ["None", "Some(1000)", "Some(2000)"],
    ),
];

#[test]
fn each_setting_of_the_program_comes_before_its_variable() {
    for (variable, value, say, effect, [by_default, from_env, from_program]) in SETTINGS {
        let env = || from(&[(variable, value)]);
        let nothing = OtlpConfig::default;
        assert_eq!(effect(&nothing().or(nothing())), by_default, "{variable}");
        assert_eq!(effect(&nothing().or(env())), from_env, "{variable}");
        assert_eq!(
            effect(&say(nothing()).or(env())),
            from_program,
            "{variable}"
        );
    }
}

#[test]
fn bad_endpoints_are_refused_at_start() {
    for (url, expected) in [
        ("localhost:4318", "http:// or https://"),
        ("ftp://localhost", "http:// or https://"),
        ("http://", "a host name"),
        ("http://:4318", "a host name"),
        ("http://a b", "a host name"),
        ("http://a:port", "a port"),
        ("http://a:0", "a port"),
        ("http://a:65536", "a port"),
        ("http://[::1", "IPv6"),
        ("http://a/x?y=1", "without `?`"),
        ("http://a:4318/v1/traces/", "without the path of a signal"),
        ("http://a/\u{fc}", "ASCII"),
    ] {
        let error = OtlpConfig::new(url).target(Signal::Traces).err().unwrap();
        assert!(error.is_config());
        let text = error.to_string();
        assert!(
            text.contains(expected) && text.contains("otlp endpoint"),
            "{text}"
        );
    }
    let env = from(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "nowhere")]);
    let text = env.target(Signal::Traces).err().unwrap().to_string();
    assert!(
        text.contains("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is \"…\""),
        "{text}"
    );
}

// bug: a receiver's token in the path, in the query or in a URL with a mistake was shown.
#[test]
fn a_url_shows_its_host_and_no_more() {
    for url in [
        "https//otlp.example/token0123",
        "otlp.example/token0123",
        "https://otlp.example/token0123 x",
        "https://otlp.example?key=token0123",
        "https://otlp.example:token0123/x",
        "https://token0123:@otlp.example/x",
        "https://me:token/0123@otlp.example/x",
        "https://otlp.example/token0123",
    ] {
        let config = OtlpConfig::new(url);
        let target = config.target(Signal::Traces);
        let said = match target {
            Err(error) => format!("{config:?} {error} {error:?}"),
            Ok(target) => {
                let endpoint = target.unwrap().endpoint;
                assert_eq!(endpoint.shown(), "https://otlp.example/…");
                format!("{config:?} {endpoint:?}")
            }
        };
        assert!(!said.contains("token") && !said.contains("0123"), "{said}");
    }
    let target = OtlpConfig::new("http://host:1").target(Signal::Logs);
    let shown = target.unwrap().unwrap().endpoint.shown();
    assert_eq!(shown, "http://host:1/v1/logs");
}

#[test]
fn secrets_stay_out_of_messages() {
    let config = OtlpConfig::new("http://me:sesame@host:1").header("api-key", "sesame");
    let text = config.target(Signal::Traces).err().unwrap().to_string();
    assert!(
        text.contains("user name or password") && !text.contains("sesame"),
        "{text}"
    );
    let text = format!("{config:?}");
    assert!(
        text.contains("api-key") && !text.contains("sesame"),
        "{text}"
    );
}

#[test]
fn bad_headers_are_refused() {
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a", "line\r\nbreak"),
        ("a", "\u{fc}"),
        ("Content-Type", "text/plain"),
        ("grpc-timeout", "1S"),
    ] {
        let config = OtlpConfig::new("http://a:1").header(name, value);
        assert!(config.target(Signal::Traces).is_err(), "{name}: {value}");
    }
    let zero = OtlpConfig::new("http://a:1").timeout(Duration::ZERO);
    assert!(zero.target(Signal::Traces).is_err());
}

#[test]
#[cfg(feature = "otlp-grpc")]
fn grpc_endpoints_have_no_path() {
    let grpc = |url: &str| {
        OtlpConfig::new(url)
            .protocol(Protocol::Grpc)
            .target(Signal::Traces)
            .map(|target| target.unwrap().endpoint)
    };
    assert_eq!(grpc("http://host:4317").unwrap().url, "http://host:4317");
    assert_eq!(grpc("http://host:4317/").unwrap().url, "http://host:4317");
    assert!(grpc("https://host:4317").unwrap().is_https);
    assert!(grpc("http://host:4317/v1/traces").is_err());
    let env = from(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    assert_eq!(urls(&env)[0], "http://localhost:4317");
}

#[test]
#[cfg(not(feature = "otlp-grpc"))]
fn grpc_names_its_feature() {
    let config = OtlpConfig::new("http://host:4317").protocol(Protocol::Grpc);
    let text = config.target(Signal::Traces).err().unwrap().to_string();
    assert!(text.contains("otlp-grpc"), "{text}");
}

#[test]
fn what_is_said_of_batches_of_logs() {
    let config = from(&[
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "2000"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "3000"),
    ]);
    let logs = OtlpConfig::new("http://a:1").or(config).logs;
    assert_eq!(logs.queue_items, Some(100));
    assert_eq!(logs.batch_items, Some(10));
    assert_eq!(logs.delay, Some(Duration::from_secs(2)));
    assert_eq!(logs.export_timeout, Some(Duration::from_secs(3)));
}

#[test]
fn how_metrics_are_sent() {
    const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    const AGGREGATION: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let env = |temporality, aggregation| {
        let config = from(&[(TEMPORALITY, temporality), (AGGREGATION, aggregation)]);
        (config.temporality, config.exponential_histograms)
    };
    assert_eq!(env("", ""), (None, None));
    let exponential = "base2_exponential_bucket_histogram";
    for (text, temporality) in [
        ("delta", Temporality::Delta),
        ("Cumulative", Temporality::Cumulative),
        ("LOWMEMORY", Temporality::LowMemory),
    ] {
        assert_eq!(env(text, exponential), (Some(temporality), Some(true)));
    }
    let explicit = env("delta", "Explicit_Bucket_Histogram");
    assert_eq!(explicit.1, Some(false));
    // The builder comes first.
    let config = OtlpConfig::default().temporality(Temporality::Cumulative);
    let config = config.or(from(&[(TEMPORALITY, "delta")]));
    assert_eq!(config.temporality, Some(Temporality::Cumulative));
}

#[test]
fn what_is_said_of_batches_of_spans() {
    let config = from(&[
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "2000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "3000"),
    ]);
    let config = OtlpConfig::new("http://a:1").or(config);
    assert_eq!(config.spans.export_timeout, Some(Duration::from_secs(3)));
    let limits = config.limits.of_spans(&config.spans);
    assert_eq!((limits.queue_items, limits.batch_items), (100, 100));
    assert_eq!(limits.delay, Duration::from_secs(2));
    // Unset, the queue is bounded by its bytes.
    let limits = Limits::default().of_spans(&BatchLimits::default());
    assert_eq!(limits, Limits::default());
}

#[test]
fn certificates_of_the_builder_come_before_all_of_the_environment() {
    let env = from(&[
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/env/ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/env/key.pem"),
    ]);
    let built = OtlpConfig::new("https://a:1").certificate("/built/ca.pem");
    let config = built.or(env);
    let text = config.target(Signal::Traces).err().unwrap().to_string();
    assert!(
        text.starts_with("OtlpConfig::certificate names the file \"/built/ca.pem\""),
        "{text}"
    );
    let tls = &config.general.tls;
    assert_eq!(tls.client_key.as_ref().unwrap().path, "/env/key.pem");
}

#[test]
fn an_endpoint_keeps_what_was_said_before() {
    let mut config = OtlpConfig::new("http://first:4318").header("x-key", "1");
    config.set_endpoint("http://second:4318");
    assert!(urls(&config).iter().all(|url| url.contains("second")));
    let target = config.target(Signal::Traces).unwrap().expect("a target");
    assert!(target.headers.iter().any(|(name, _)| name == "x-key"));
}
