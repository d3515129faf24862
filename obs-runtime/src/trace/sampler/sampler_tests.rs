use super::*;
use crate::callsite::{CallsiteSpec, More, Source};
use proptest::prelude::*;

static SITE: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        keys: &["tenant"],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "get_order",
        &Source {
            module: "shop::orders",
            file: "src/orders.rs",
        },
        7,
    )
});

fn root(sampler: &Sampler, trace_lo: u64) -> bool {
    sampler.decide(&Start::new(&SITE, trace_lo, None))
}

fn called(sampler: &Sampler, caller: bool) -> bool {
    sampler.decide(&Start::new(&SITE, 5, Some(caller)))
}

#[test]
fn ratios_outside_zero_to_one_are_refused() {
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let deep = Sampler::parent_based(Sampler::any_of([Sampler::rule_based(
            [(SpanMatch::new(), Sampler::ratio(bad))],
            Sampler::always_on(),
        )]));
        for sampler in [Sampler::ratio(bad), deep] {
            let error = sampler.check().unwrap_err();
            assert!(error.is_config(), "{error}");
            assert!(error.to_string().contains(&bad.to_string()), "{error}");
        }
    }
    let error = Sampler::rate_limited(-1.0).check().unwrap_err();
    assert!(error.to_string().contains("-1"), "{error}");
}

#[test]
fn the_ends_are_exact() {
    let (none, all) = (Sampler::ratio(0.0), Sampler::ratio(1.0));
    for id in [0, 1, u64::MAX / 2, u64::MAX] {
        assert!(!root(&none, id));
        assert!(root(&all, id));
    }
}

#[test]
fn a_tenth_is_a_tenth_and_the_same_everywhere() {
    let tenth = Sampler::ratio(0.1);
    let ids = (0..10_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let sampled = ids.clone().filter(|id| root(&tenth, *id)).count();
    assert!((900..=1100).contains(&sampled), "{sampled}");
    let twice: Vec<bool> = ids.clone().map(|id| root(&tenth, id)).collect();
    assert!(ids.zip(twice).all(|(id, first)| root(&tenth, id) == first));
}

#[test]
fn callers_decide_where_they_are_asked() {
    assert!(called(&Sampler::parent_based(Sampler::always_off()), true));
    assert!(!called(&Sampler::parent_based(Sampler::always_on()), false));
    // Not parent based: another process has no say.
    assert!(called(&Sampler::always_on(), false));
    let limited = Sampler::parent_based(Sampler::rate_limited(0.0));
    assert!(called(&limited, true) && !root(&limited, 5));
}

#[test]
fn the_first_rule_that_fits_decides() {
    let sampler = Sampler::rule_based(
        [
            (SpanMatch::new().name("health*"), Sampler::always_off()),
            (SpanMatch::new().target("shop::*"), Sampler::always_on()),
            (SpanMatch::new().name("get_*"), Sampler::always_off()),
        ],
        Sampler::always_off(),
    );
    assert!(root(&sampler, 5));
    let other = Sampler::rule_based(
        [(SpanMatch::new().name("health"), Sampler::always_off())],
        Sampler::always_on(),
    );
    assert!(root(&other, 5));
}

#[test]
fn fields_are_asked_for_where_a_rule_needs_them() {
    let by_tenant = Sampler::rule_based(
        [(
            SpanMatch::new().attribute("tenant", "gold"),
            Sampler::always_on(),
        )],
        Sampler::always_off(),
    );
    let begin = |sampler: &Sampler, remote| sampler.begin(&Start::new(&SITE, 5, remote));
    assert_eq!(begin(&by_tenant, None), Decision::AskFields);
    for (tenant, sampled) in [("gold", true), ("lead", false)] {
        let values = [Value::from_static(tenant)];
        let start = Start {
            values: &values,
            ..Start::new(&SITE, 5, None)
        };
        assert_eq!(by_tenant.decide(&start), sampled);
    }
    // The caller has decided already.
    let parent_based = Sampler::parent_based(by_tenant);
    assert_eq!(begin(&parent_based, Some(true)), Decision::Record);
    assert_eq!(begin(&parent_based, Some(false)), Decision::Skip);
    assert_eq!(begin(&parent_based, None), Decision::AskFields);
}

#[test]
fn a_rate_limit_counts_what_comes_to_it() {
    let both = Sampler::all_of([Sampler::ratio(0.5), Sampler::rate_limited(3.0)]);
    let small = (0..4).map(|_| root(&both, 1)).collect::<Vec<_>>();
    assert_eq!(small, [true, true, true, false]);
    let none: Vec<_> = (0..4).map(|_| root(&both, u64::MAX)).collect();
    assert_eq!(none, [false; 4]);
    // Clones share the bucket.
    let limit = Sampler::rate_limited(1.0);
    assert!(root(&limit, 1) && !root(&limit.clone(), 2));
}

/// Samplers without a clock, and what they are to decide.
#[derive(Clone, Debug)]
enum Model {
    Ratio(f64),
    Parent(Box<Model>),
    Any(Vec<Model>),
    All(Vec<Model>),
    Rule(bool, Box<Model>, Box<Model>),
}

fn models() -> impl Strategy<Value = Model> {
    let leaf = (0u32..=4).prop_map(|q| Model::Ratio(f64::from(q) / 4.0));
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|m| Model::Parent(m.into())),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::Any),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::All),
            (any::<bool>(), inner.clone(), inner).prop_map(|(fits, a, b)| Model::Rule(
                fits,
                a.into(),
                b.into()
            )),
        ]
    })
}

impl Model {
    fn build(&self) -> Sampler {
        let all = |models: &[Self]| models.iter().map(Self::build).collect::<Vec<_>>();
        match self {
            Self::Ratio(r) => Sampler::ratio(*r),
            Self::Parent(m) => Sampler::parent_based(m.build()),
            Self::Any(m) => Sampler::any_of(all(m)),
            Self::All(m) => Sampler::all_of(all(m)),
            Self::Rule(fits, a, b) => {
                let name = if *fits { "get_order" } else { "other" };
                Sampler::rule_based([(SpanMatch::new().name(name), a.build())], b.build())
            }
        }
    }

    fn decide(&self, share: f64, caller: Option<bool>) -> bool {
        match self {
            Self::Ratio(r) => share < *r,
            Self::Parent(m) => caller.unwrap_or_else(|| m.decide(share, caller)),
            Self::Any(m) => m.iter().any(|m| m.decide(share, caller)),
            Self::All(m) => m.iter().all(|m| m.decide(share, caller)),
            Self::Rule(true, m, _) | Self::Rule(false, _, m) => m.decide(share, caller),
        }
    }
}

proptest! {
    #[test]
    fn composition_is_what_the_model_says(model in models(), id: u64, caller: Option<bool>) {
        let sampler = model.build();
        sampler.check().unwrap();
        let share = (id >> 1) as f64 / (1u64 << 63) as f64;
        let start = Start::new(&SITE, id, caller);
        let expected = model.decide(share, caller);
        prop_assert_eq!(sampler.decide(&start), expected);
        prop_assert_eq!(sampler.begin(&start), expected.into());
        // What is kept in two words says the same.
        if let Some((threshold, parent_based)) = sampler.words() {
            let words = match caller {
                Some(sampled) if parent_based => sampled,
                _ => by_id(threshold, id),
            };
            prop_assert_eq!(words, expected);
        }
    }
}
