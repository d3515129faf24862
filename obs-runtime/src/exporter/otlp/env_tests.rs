use super::*;
use crate::exporter::otlp::config::Signal;
use crate::exporter::otlp::target::Target;

fn read(vars: &[(&str, &str)]) -> (OtlpConfig, Vec<String>) {
    let mut env = Environment::new(Vars::of_list(vars));
    (OtlpConfig::from_env(&mut env), env.vars.problems)
}

/// Good values for every variable, and where they are to be seen.
const GOOD: [(&str, &str); 23] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "20000"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "7000"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "8000"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "base2_exponential_bucket_histogram",
    ),
    ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "1000"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ("OTEL_BLRP_EXPORT_TIMEOUT", "2000"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "2000"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "20"),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "6"),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
    ("OBS_SPOOL_MAX_BYTES", "1000"),
];

/// Values that cannot be used, and a part of what is said of them.
const BAD: [(&str, &str, &str); 27] = [
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "http/json",
        "http/protobuf or grpc",
    ),
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "GRPC",
        "http/protobuf or grpc",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "thrift",
        "http/protobuf or grpc",
    ),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "0", "milliseconds"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "none or gzip"),
    (
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
        "GZIP",
        "none or gzip",
    ),
    ("OTEL_EXPORTER_OTLP_INSECURE", "1", "true or false"),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "yes", "true or false"),
    ("OTEL_TRACES_EXPORTER", "jaeger", "otlp, console or none"),
    (
        "OTEL_METRICS_EXPORTER",
        "statsd",
        "otlp, prometheus, console or none",
    ),
    ("OTEL_LOGS_EXPORTER", "stdout", "otlp, console or none"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "-1", "milliseconds"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "30s", "milliseconds"),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "deltas",
        "cumulative, delta or",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "histogram",
        "explicit_bucket_histogram or",
    ),
    ("OTEL_BSP_SCHEDULE_DELAY", "soon", "milliseconds"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "1.5", "milliseconds"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "whole number above 0"),
    (
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "many",
        "whole number above 0",
    ),
    ("OTEL_BLRP_SCHEDULE_DELAY", "-5", "milliseconds"),
    ("OTEL_BLRP_EXPORT_TIMEOUT", "", ""),
    (
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "99999999999999999999",
        "whole number above 0",
    ),
    (
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "0x10",
        "whole number above 0",
    ),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "all", "from 0 to"),
    (
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "1e3",
        "from 0 to",
    ),
    ("OBS_SPOOL_MAX_BYTES", "1 GiB", "whole number of bytes"),
];

/// What the variables come to, in one text for each.
fn effects(config: &OtlpConfig) -> Vec<(&'static str, String)> {
    let targets = [Signal::Traces, Signal::Metrics, Signal::Logs].map(|s| config.target(s));
    let targets = targets.map(|t| t.unwrap().unwrap());
    let each = |of: fn(&Target) -> String| targets.iter().map(of).collect::<Vec<_>>().join(" ");
    let spans = &config.spans;
    let logs = &config.logs;
    vec![
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            each(|t| t.endpoint.url.clone()),
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            each(|t| format!("{:?}", t.headers)),
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            each(|t| format!("{:?}", t.timeout)),
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            each(|t| format!("{:?}", t.compression)),
        ),
        (
            "OTEL_EXPORTER_OTLP_INSECURE",
            format!("{:?}", config.general.insecure),
        ),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            format!("{:?}", config.metrics_every()),
        ),
        (
            "OTEL_METRIC_EXPORT_TIMEOUT",
            format!("{:?}", config.metric_timeout),
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            format!("{:?}", config.temporality),
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            format!("{:?}", config.exponential_histograms),
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", format!("{:?}", spans.delay)),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            format!("{:?}", spans.queue_items),
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            format!("{:?}", spans.batch_items),
        ),
        ("OTEL_BLRP_SCHEDULE_DELAY", format!("{:?}", logs.delay)),
        (
            "OTEL_BLRP_EXPORT_TIMEOUT",
            format!("{:?}", logs.export_timeout),
        ),
        (
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            format!("{:?}", logs.queue_items),
        ),
        (
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            format!("{:?}", logs.batch_items),
        ),
        (
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
            format!("{:?}", config.log_limits.attributes),
        ),
        (
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            format!("{:?}", config.log_limits.value_length),
        ),
        (
            "OBS_SPOOL_MAX_BYTES",
            format!("{:?}", config.spool_max_bytes),
        ),
    ]
}

#[test]
fn one_bad_value_is_left_out_and_the_others_stay() {
    let (good, problems) = read(&GOOD);
    assert_eq!(problems, [""; 0]);
    let good = effects(&good);
    for (variable, bad, expected) in BAD {
        let mut vars: Vec<_> = GOOD.into_iter().filter(|(n, _)| *n != variable).collect();
        vars.push((variable, bad));
        let (config, problems) = read(&vars);
        if bad.is_empty() {
            assert_eq!(problems, [""; 0], "an empty value is as good as none");
        } else {
            let [problem] = &problems[..] else {
                panic!("{variable}={bad}: {problems:?}");
            };
            let start = format!("{variable}={bad}: expected ");
            assert!(problem.starts_with(&start), "{problem}");
            assert!(problem.contains(expected), "{problem}");
            assert!(problem.ends_with("left out"), "{problem}");
        }
        for ((name, now), (_, before)) in effects(&config).iter().zip(&good) {
            if *name != variable {
                assert_eq!(now, before, "{name} suffers from {variable}={bad}");
            }
        }
    }
}

#[test]
fn limits_of_log_records_come_before_those_of_all_attributes() {
    let of = |set: &[(&str, &str)]| {
        let limits = read(set).0.log_limits;
        (limits.attributes, limits.value_length)
    };
    let all = [
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
    ];
    assert_eq!(of(&[]), (128, u32::MAX));
    assert_eq!(of(&all), (10, 20));
    let own = [
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"),
    ];
    assert_eq!(of(&[all[0], own[0], own[1]]), (3, 4));
}

#[test]
fn a_known_name_in_a_list_of_exporters_counts_whatever_stands_beside_it() {
    let (config, problems) = read(&[("OTEL_TRACES_EXPORTER", "zipkin, otlp")]);
    assert!(config.sends(Signal::Traces));
    assert!(
        problems[0].starts_with("OTEL_TRACES_EXPORTER=zipkin: "),
        "{problems:?}"
    );
    // Nothing known: as if it were not set.
    let (config, _) = read(&[("OTEL_TRACES_EXPORTER", "zipkin")]);
    assert!(!config.sends(Signal::Traces));
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1");
    let (config, _) = read(&[("OTEL_TRACES_EXPORTER", "zipkin"), endpoint]);
    assert!(config.sends(Signal::Traces));
}

#[test]
fn a_bad_header_is_left_out_and_its_text_not_repeated() {
    for list in [
        "sesame",
        "sesame word=1",
        "=sesame",
        "key=%zzsesame",
        "key=sesame%0a",
        "content-type=sesame",
    ] {
        let both = format!("x-tenant=1,{list}");
        let (config, problems) = read(&[("OTEL_EXPORTER_OTLP_HEADERS", &both)]);
        assert_eq!(config.general.headers, [("x-tenant".into(), "1".into())]);
        let [problem] = &problems[..] else {
            panic!("{list}: {problems:?}");
        };
        assert!(
            problem.starts_with("OTEL_EXPORTER_OTLP_HEADERS: entry 2 "),
            "{problem}"
        );
        assert!(!problem.contains("sesame"), "{problem}");
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_left_out() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let var = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://a:1".into()),
        "OTEL_EXPORTER_OTLP_TIMEOUT" => Some(OsString::from_vec(vec![0xff])),
        _ => None,
    };
    let mut env = Environment::new(Vars::new(var));
    assert!(OtlpConfig::from_env(&mut env).sends(Signal::Traces));
    assert_eq!(
        env.vars.problems,
        ["OTEL_EXPORTER_OTLP_TIMEOUT: expected UTF-8 text; it is left out"]
    );
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn an_endpoint_without_scheme_is_encrypted_unless_it_is_said_to_be_insecure() {
    let of = |insecure| {
        let (config, problems) = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
            ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "false"),
        ]);
        assert_eq!(problems, [""; 0]);
        [Signal::Traces, Signal::Logs].map(|s| config.target(s).unwrap().unwrap().endpoint.url)
    };
    assert_eq!(of(""), ["https://collector:4317"; 2]);
    assert_eq!(of("False"), ["https://collector:4317"; 2]);
    let insecure = of("TRUE");
    assert_eq!(
        insecure,
        ["http://collector:4317", "https://collector:4317"]
    );
    // A scheme says it all.
    let (config, _) = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ]);
    let target = config.target(Signal::Traces).unwrap().unwrap();
    assert!(target.endpoint.is_https);
}
