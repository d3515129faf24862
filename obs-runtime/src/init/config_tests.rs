use super::*;
use crate::trace::SpanLimits;

fn resolve(builder: Builder, set: &[(&str, &str)]) -> (Config, Vec<String>) {
    match Config::resolve(builder, Vars::of_list(set)) {
        Ok(resolved) => resolved,
        Err(e) => panic!("{e}"),
    }
}

/// What a setting comes to, as a text.
type Effect = fn(&Config) -> String;

/// A setting that both can say.
struct Row {
    name: &'static str,
    variable: (&'static str, &'static str),
    builder: Builder,
    effect: Effect,
    /// By default, from the environment, and from the program over that.
    expected: [String; 3],
}

fn attribute(config: &Config, key: &str) -> String {
    let all = config.resource.iter().filter(|(k, _)| k == key);
    let all: Vec<_> = all.map(|(_, value)| format!("{value:?}")).collect();
    all.join(" and ")
}

fn service(config: &Config) -> String {
    attribute(config, key::SERVICE_NAME)
}

fn team(config: &Config) -> String {
    attribute(config, "team")
}

#[test]
fn the_program_comes_first_then_the_environment_then_the_default() {
    let limits = SpanLimits {
        events: 7,
        ..SpanLimits::default()
    };
    for row in [
        Row {
            name: "service_name",
            variable: ("OTEL_SERVICE_NAME", "env"),
            builder: Builder::default().service_name("said"),
            effect: service,
            expected: [String::new(), text("env"), text("said")],
        },
        Row {
            name: "a service in the resource",
            variable: ("OTEL_RESOURCE_ATTRIBUTES", "service.name=env"),
            builder: Builder::default().resource_attribute(key::SERVICE_NAME, "said"),
            effect: service,
            expected: [String::new(), text("env"), text("said")],
        },
        Row {
            name: "resource_attribute",
            variable: ("OTEL_RESOURCE_ATTRIBUTES", "team=env"),
            builder: Builder::default().resource_attribute("team", "said"),
            effect: team,
            expected: [String::new(), text("env"), text("said")],
        },
        Row {
            name: "sampler",
            variable: ("OTEL_TRACES_SAMPLER", "always_off"),
            builder: Builder::default().sampler(Sampler::always_on()),
            effect: |config| format!("{:?}", config.sampler),
            expected: [
                Sampler::default(),
                Sampler::always_off(),
                Sampler::always_on(),
            ]
            .map(|sampler| format!("{sampler:?}")),
        },
        Row {
            name: "max_level",
            variable: ("OBS_LEVEL", "debug"),
            builder: Builder::default().max_level(Level::Error),
            effect: |config| config.level.as_str().to_owned(),
            expected: ["info", "debug", "error"].map(str::to_owned),
        },
        Row {
            name: "span_limits",
            variable: ("OTEL_SPAN_EVENT_COUNT_LIMIT", "5"),
            builder: Builder::default().span_limits(limits),
            effect: |config| config.span_limits.events.to_string(),
            expected: ["128", "5", "7"].map(str::to_owned),
        },
    ] {
        let name = row.name;
        let [by_default, from_env, from_program] = row.expected;
        let come_to = |builder, set: &[_]| {
            let (config, problems) = resolve(builder, set);
            assert_eq!(problems, [""; 0]);
            (row.effect)(&config)
        };
        assert_eq!(come_to(Builder::default(), &[]), by_default, "{name}");
        let set = [row.variable];
        assert_eq!(come_to(Builder::default(), &set), from_env, "{name}");
        assert_eq!(come_to(row.builder, &set), from_program, "{name}");
    }
}

fn text(value: &str) -> String {
    format!("{:?}", crate::AttributeValue::from(value.to_owned()))
}

#[test]
fn the_service_has_a_variable_that_counts_before_the_list() {
    let (config, _) = resolve(
        Builder::default(),
        &[
            ("OTEL_SERVICE_NAME", "own"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,team=a"),
        ],
    );
    assert_eq!(service(&config), text("own"));
    // A name of the program counts before its attributes too.
    let builder = Builder::default().service_name("named");
    let builder = builder.resource_attribute(key::SERVICE_NAME, "attribute");
    assert_eq!(service(&resolve(builder, &[]).0), text("named"));
}

#[test]
fn what_only_the_program_says() {
    let (config, _) = resolve(Builder::default(), &[]);
    assert!(config.redacts_attributes && config.detects_resource);
    assert!(!config.is_strict && config.tail.is_none() && config.memory_limit.is_none());
    assert_eq!(config.flushes_on_panic, cfg!(panic = "abort"));
    let builder = Builder::default()
        .redact_attributes(false)
        .detect_resource(false)
        .strict(true)
        .memory_limit(1000)
        .flush_on_panic(true);
    let (config, _) = resolve(builder, &[]);
    assert!(!config.redacts_attributes && !config.detects_resource);
    assert!(config.is_strict && config.flushes_on_panic);
    assert_eq!(config.memory_limit, Some(1000));
}

#[test]
fn what_the_program_asks_for_in_vain_is_an_error() {
    for builder in [
        Builder::default().sampler(Sampler::ratio(1.5)),
        Builder::default().redact_pattern("all", "*"),
    ] {
        let error = Config::resolve(builder, Vars::none()).err().unwrap();
        assert!(error.is_config(), "{error}");
    }
}

#[test]
fn an_empty_environment_says_nothing() {
    let set = [("OTEL_SERVICE_NAME", ""), ("OBS_LEVEL", "  ")];
    let (config, problems) = resolve(Builder::default(), &set);
    assert_eq!(problems, [""; 0]);
    assert!(config.resource.is_empty() && !config.is_disabled && config.has_exemplars);
    assert_eq!(config.level, Level::Info);
}

#[test]
fn everything_can_be_switched_off() {
    let (config, _) = resolve(Builder::default(), &[("OTEL_SDK_DISABLED", "TRUE")]);
    assert!(config.is_disabled);
}

#[test]
fn one_bad_value_is_left_out_and_the_others_stay() {
    const GOOD: [(&str, &str); 7] = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OBS_LEVEL", "debug"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "5"),
        ("OTEL_PROPAGATORS", "b3"),
    ];
    let effects = |config: &Config| {
        [
            service(config),
            team(config),
            format!("{:?}", config.sampler),
            format!("{:?}", config.has_exemplars),
            format!("{:?}", config.level),
            format!("{:?}", config.span_limits.events),
            format!("{:?}", config.formats),
        ]
    };
    let (good, problems) = resolve(Builder::default(), &GOOD);
    assert_eq!(problems, [""; 0]);
    for (variable, bad) in [
        ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
        ("OBS_LEVEL", "loud"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
        ("OTEL_PROPAGATORS", "jaeger"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_CONFIG_FILE", "otel.yaml"),
    ] {
        let mut vars: Vec<_> = GOOD.into_iter().filter(|(n, _)| *n != variable).collect();
        vars.push((variable, bad));
        let (config, problems) = resolve(Builder::default(), &vars);
        let [problem] = &problems[..] else {
            panic!("{variable}={bad}: {problems:?}");
        };
        assert!(problem.starts_with(variable), "{problem}");
        assert!(!config.is_disabled);
        for ((now, before), (name, _)) in effects(&config).iter().zip(&effects(&good)).zip(GOOD) {
            assert_eq!(
                now == before,
                name != variable,
                "{name} under {variable}={bad}"
            );
        }
    }
}
