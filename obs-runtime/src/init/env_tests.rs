use super::*;

fn read(vars: &[(&str, &str)]) -> Environment {
    Environment::from(|name| {
        let found = vars.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

#[test]
fn an_empty_environment_says_nothing() {
    let env = read(&[("OTEL_SERVICE_NAME", ""), ("OBS_LEVEL", "  ")]);
    assert!(env.service_name.is_none() && env.level.is_none() && env.sampler.is_none());
    assert!(!env.disabled && !env.printed.traces && env.prometheus.is_none());
    assert!(env.problems.is_empty());
}

#[test]
fn what_is_set_is_used() {
    let env = read(&[
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_SERVICE_NAME", "shop"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "team=a%20b, k8s.pod.name = p-1 ",
        ),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OBS_LEVEL", "Debug"),
        ("OTEL_TRACES_EXPORTER", "otlp, console"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
    ]);
    assert!(env.disabled && env.printed.traces);
    assert_eq!(env.service_name.as_deref(), Some("shop"));
    let expected = [
        ("team".into(), "a b".into()),
        ("k8s.pod.name".into(), "p-1".into()),
    ];
    assert_eq!(env.resource, expected);
    assert_eq!(
        env.sampler,
        Some(Sampler::parent_based(Sampler::ratio(0.25)))
    );
    assert_eq!(env.level, Some(Level::Debug));
    assert_eq!(env.prometheus, Some(("localhost".into(), 0)));
    assert!(env.problems.is_empty(), "{:?}", env.problems);
}

#[cfg(feature = "console")]
#[test]
fn every_signal_can_be_printed() {
    let env = read(&[
        ("OTEL_LOGS_EXPORTER", "otlp,console"),
        ("OTEL_METRICS_EXPORTER", "console"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
    ]);
    assert!(env.printed.logs && !env.printed.traces);
    assert_eq!(env.printed.metrics, Some(Duration::from_millis(1500)));
    let env = read(&[("OTEL_METRICS_EXPORTER", "prometheus, console")]);
    assert_eq!(env.printed.metrics, Some(Duration::from_secs(60)));
    assert!(!env.printed.logs && env.problems.is_empty());
}

#[test]
fn each_unusable_value_is_named_and_left_out() {
    let env = read(&[
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OBS_LEVEL", "loud"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "99999"),
    ]);
    assert!(env.resource.is_empty() && env.sampler.is_none());
    assert!(env.level.is_none() && env.prometheus.is_none());
    for name in [
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER=sometimes",
        "OBS_LEVEL=loud",
        "OTEL_EXPORTER_PROMETHEUS_PORT=99999",
    ] {
        let said = env.problems.iter().filter(|p| p.starts_with(name)).count();
        assert_eq!(said, 1, "{name}: {:?}", env.problems);
    }
}

#[test]
fn one_bad_value_is_left_out_and_the_others_stay() {
    const GOOD: [(&str, &str); 8] = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OBS_LEVEL", "debug"),
        ("OBS_SPOOL_MAX_BYTES", "1000"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "5"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "6"),
    ];
    let effects = |env: &Environment| {
        [
            format!("{:?}", env.service_name),
            format!("{:?}", env.resource),
            format!("{:?}", env.sampler),
            format!("{:?}", env.exemplars),
            format!("{:?}", env.level),
            format!("{:?}", env.spool_max_bytes),
            format!("{:?}", env.span_limits.events),
            format!("{:?}", env.log_limits.attributes),
        ]
    };
    let good = read(&GOOD);
    assert_eq!(good.problems, [""; 0]);
    for (variable, bad) in [
        ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
        ("OBS_LEVEL", "loud"),
        ("OBS_SPOOL_MAX_BYTES", "1 GiB"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "all"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1e3"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_CONFIG_FILE", "otel.yaml"),
    ] {
        let mut vars: Vec<_> = GOOD.into_iter().filter(|(n, _)| *n != variable).collect();
        vars.push((variable, bad));
        let env = read(&vars);
        let [problem] = &env.problems[..] else {
            panic!("{variable}={bad}: {:?}", env.problems);
        };
        assert!(problem.starts_with(variable), "{problem}");
        assert!(!env.disabled);
        for ((now, before), (name, _)) in effects(&env).iter().zip(&effects(&good)).zip(GOOD) {
            assert_eq!(
                now == before,
                name != variable,
                "{name} under {variable}={bad}"
            );
        }
    }
}

#[test]
fn every_sampler_of_the_specification_is_read() {
    let ratio = Some("0.25");
    for (name, arg, expected) in [
        ("always_on", None, Sampler::always_on()),
        ("ALWAYS_OFF", ratio, Sampler::always_off()),
        ("traceidratio", ratio, Sampler::ratio(0.25)),
        ("traceidratio", None, Sampler::ratio(1.0)),
        ("parentbased_always_on", None, Sampler::default()),
        (
            "parentbased_always_off",
            None,
            Sampler::parent_based(Sampler::always_off()),
        ),
        (
            "parentbased_traceidratio",
            ratio,
            Sampler::parent_based(Sampler::ratio(0.25)),
        ),
    ] {
        let mut problems = Vec::new();
        let sampler = sampler_of(name, arg, &mut problems);
        assert_eq!(sampler, Some(expected), "{name}");
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn a_bad_ratio_keeps_the_sampler_and_is_named() {
    for bad in ["1.5", "nan", "-0", "ten"] {
        let mut problems = Vec::new();
        let sampler = sampler_of("parentbased_traceidratio", Some(bad), &mut problems);
        if bad == "-0" {
            assert_eq!(sampler, Some(Sampler::parent_based(Sampler::ratio(-0.0))));
            continue;
        }
        assert_eq!(sampler, Some(Sampler::default()));
        let named = format!("OTEL_TRACES_SAMPLER_ARG={bad}: ");
        assert!(problems[0].starts_with(&named), "{problems:?}");
    }
    let env = read(&[("OTEL_TRACES_SAMPLER_ARG", "0.1")]);
    assert!(env.sampler.is_none());
    assert!(
        env.problems[0].contains("OTEL_TRACES_SAMPLER"),
        "{:?}",
        env.problems
    );
    let env = read(&[("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote")]);
    assert!(env.sampler.is_none() && env.problems.len() == 1);
}

#[test]
fn exemplars_can_be_switched_off() {
    let env = |value: &'static str| {
        let name = "OTEL_METRICS_EXEMPLAR_FILTER";
        Environment::from(|n| (n == name).then(|| value.into()))
    };
    assert!(env("").exemplars && env("trace_based").exemplars && !env("always_off").exemplars);
    let wrong = env("sometimes");
    assert!(
        wrong.exemplars && wrong.problems[0].contains("OTEL_METRICS_EXEMPLAR_FILTER=sometimes")
    );
}
