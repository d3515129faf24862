use super::*;

#[test]
fn ratios_outside_zero_to_one_are_refused() {
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = Sampler::ratio(bad).check().unwrap_err();
        assert!(error.is_config(), "{error}");
    }
}

#[test]
fn the_ends_are_exact() {
    let (none, all) = (Sampler::ratio(0.0), Sampler::ratio(1.0));
    for id in [0, 1, u64::MAX / 2, u64::MAX] {
        assert!(!none.decide(id, None));
        assert!(all.decide(id, None));
    }
}

#[test]
fn a_tenth_is_a_tenth_and_the_same_everywhere() {
    let tenth = Sampler::ratio(0.1);
    let ids = (0..10_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let sampled = ids.clone().filter(|id| tenth.decide(*id, None)).count();
    assert!((900..=1100).contains(&sampled), "{sampled}");
    let twice: Vec<bool> = ids.clone().map(|id| tenth.decide(id, None)).collect();
    assert!(
        ids.zip(twice)
            .all(|(id, first)| tenth.decide(id, None) == first)
    );
}

#[test]
fn children_follow_their_parent() {
    let off = Sampler::parent_based(Sampler::always_off());
    assert!(off.decide(5, Some((true, true))));
    assert!(!Sampler::parent_based(Sampler::always_on()).decide(5, Some((false, true))));
    // Not parent based: another process has no say, this one has.
    assert!(Sampler::always_on().decide(5, Some((false, true))));
    assert!(!Sampler::always_on().decide(5, Some((false, false))));
}
