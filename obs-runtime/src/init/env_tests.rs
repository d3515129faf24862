use super::*;

fn read<T>(reader: fn(&mut Vars<'_>) -> T, set: &[(&str, &str)]) -> (T, Vec<String>) {
    let mut vars = Vars::of_list(set);
    (reader(&mut vars), vars.problems)
}

#[test]
fn attributes_of_the_resource_are_percent_encoded() {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let (found, problems) = read(resource, &[(NAME, "team=a%20b, k8s.pod.name = p-1 ")]);
    assert_eq!(problems, [""; 0]);
    let expected = [
        ("team".into(), "a b".into()),
        ("k8s.pod.name".into(), "p-1".into()),
    ];
    assert_eq!(found, expected);
    for bad in ["a=1,b", "=1", "a=%zz"] {
        let (found, problems) = read(resource, &[(NAME, bad)]);
        assert!(found.is_empty() && problems.len() == 1, "{bad}");
        assert!(problems[0].starts_with(NAME), "{problems:?}");
    }
}

#[test]
fn the_case_of_a_level_does_not_matter() {
    let (found, problems) = read(level, &[("OBS_LEVEL", "Debug")]);
    assert_eq!((found, problems.len()), (Some(Level::Debug), 0));
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
        let mut vars = Vars::none();
        let sampler = sampler_of(name, arg, &mut vars);
        assert_eq!(sampler, Some(expected), "{name}");
        assert_eq!(vars.problems, [""; 0]);
    }
}

#[test]
fn a_bad_ratio_keeps_the_sampler_and_is_named() {
    for bad in ["1.5", "nan", "-0", "ten"] {
        let mut vars = Vars::none();
        let sampler = sampler_of("parentbased_traceidratio", Some(bad), &mut vars);
        if bad == "-0" {
            assert_eq!(sampler, Some(Sampler::parent_based(Sampler::ratio(-0.0))));
            continue;
        }
        assert_eq!(sampler, Some(Sampler::default()));
        let named = format!("OTEL_TRACES_SAMPLER_ARG={bad}: ");
        assert!(vars.problems[0].starts_with(&named), "{:?}", vars.problems);
    }
    let (none, problems) = read(sampler, &[("OTEL_TRACES_SAMPLER_ARG", "0.1")]);
    assert!(none.is_none());
    assert!(problems[0].contains("OTEL_TRACES_SAMPLER"), "{problems:?}");
    let remote = ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote");
    let (none, problems) = read(sampler, &[remote]);
    assert!(none.is_none() && problems.len() == 1);
}

#[test]
fn exemplars_can_be_switched_off() {
    let of = |value| read(exemplars, &[("OTEL_METRICS_EXEMPLAR_FILTER", value)]);
    assert!(of("").0 && of("trace_based").0 && !of("always_off").0);
    let (kept, problems) = of("sometimes");
    assert!(kept && problems[0].contains("OTEL_METRICS_EXEMPLAR_FILTER=sometimes"));
}
