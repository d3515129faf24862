use super::*;
use proptest::prelude::*;

#[test]
fn unknown_is_not_zero() {
    let usage = Usage::new(10, None::<u32>).cache_read(0);
    assert_eq!(usage.input_tokens(), Some(10));
    assert_eq!(usage.output_tokens(), None);
    assert_eq!(usage.cache_read_tokens(), Some(0));
    assert_eq!(usage.cache_write_tokens(), None);
    assert!(!usage.is_impossible());
    assert!(Usage::default().is_unknown() && !usage.is_unknown());
    let json = serde_json::to_value(usage).unwrap();
    assert_eq!(json["input_tokens"], 10);
    assert_eq!(json["output_tokens"], serde_json::Value::Null);
    assert_eq!(json["cache_read_tokens"], 0);
    assert_eq!(json.as_object().unwrap().len(), UNITS);
}

#[test]
fn impossible_counts_are_kept_as_such_and_never_as_numbers() {
    let impossible = [
        (-1_i64).count(),
        i128::MAX.count(),
        u64::MAX.count(),
        (-1_i32 as u64).count(),
        Some(-3).count(),
        Count::Known(u64::MAX).count(),
    ];
    for count in impossible {
        assert_eq!(count, Count::Impossible);
        let usage = Usage::new(count, 5);
        assert!(usage.is_impossible());
        assert_eq!(
            (usage.input_tokens(), usage.output_tokens()),
            (None, Some(5))
        );
        // A sum of which a part is impossible is not the rest.
        assert!(usage.plus(Usage::new(1, 1)).is_impossible());
        assert!(usage.merge(Usage::new(1, 1)).is_impossible());
    }
    let most = Usage::new(i64::MAX, 1);
    assert!(!most.is_impossible());
    let sum = most.plus(most);
    assert!(sum.is_impossible());
    assert_eq!((sum.input_tokens(), sum.output_tokens()), (None, Some(2)));
}

#[test]
fn writes_to_the_cache_include_those_of_both_lifetimes() {
    let split = Usage::new(500, 1).cache_write_5m(100).cache_write_1h(200);
    assert_eq!(split.cache_write_tokens(), Some(300));
    assert_eq!(split.cache_write(400).cache_write_tokens(), Some(400));
    // The same said twice, once with lifetimes.
    let sum = Usage::new(500, 1).cache_write(300);
    assert_eq!(sum.merge(split).cache_write_tokens(), Some(300));
    assert_eq!(sum.cache_write_1h_tokens(), None);
}

#[test]
fn cumulative_reports_come_together_by_the_highest() {
    let start = Usage::new(100_000, 1).partial();
    let streams = [
        // Anthropic: the input in the first, the output in the last.
        vec![start, Usage::output(200).partial(), Usage::output(500)],
        // The same with all counts, or zeros, in the last.
        vec![start, Usage::new(100_000, 500)],
        vec![start, Usage::output(500), Usage::new(0, 0)],
        vec![start, Usage::output(500), Usage::output(500)],
    ];
    for stream in streams {
        let merged = stream.into_iter().reduce(Usage::merge).unwrap();
        assert_eq!(merged, Usage::new(100_000, 500));
    }
}

#[test]
fn increments_add_up() {
    let chunks = [
        Usage::new(10, 1),
        Usage::output(4).delta(),
        Usage::output(5).delta(),
    ];
    let merged = chunks.into_iter().reduce(Usage::merge).unwrap();
    assert_eq!(merged, Usage::new(10, 10));
    let deltas = [Usage::output(4).delta(), Usage::output(5).delta()];
    let merged = deltas.into_iter().fold(Usage::default(), Usage::merge);
    assert_eq!(merged.output_tokens(), Some(9));
}

#[test]
fn what_the_provider_says_comes_before_what_the_caller_counted() {
    let counted = Usage::new(120, 30).counted();
    let said = Usage::output(20);
    for merged in [counted.merge(said), said.merge(counted)] {
        let counts = (merged.input_tokens(), merged.output_tokens());
        assert_eq!(counts, (Some(120), Some(20)));
        assert_eq!(merged.certain_part(), Usage::output(20));
        assert!(merged.has_counted());
    }
    assert_eq!(counted.source().as_str(), "counted");
}

#[test]
fn attempts_add_up() {
    let broken = Usage::new(100, 1).partial();
    let sum = broken.plus(Usage::new(100, 40).cache_read(80));
    assert_eq!(
        (sum.input_tokens(), sum.output_tokens()),
        (Some(200), Some(41))
    );
    assert_eq!(sum.cache_read_tokens(), Some(80));
    assert_eq!(sum.source(), Source::Partial);
    assert_eq!(Usage::default().plus(sum), sum);
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || proptest::option::of(prop_oneof![0..1_000_u64, any::<u64>()]);
    proptest::collection::vec(count(), UNITS).prop_map(|counts| {
        let with = |usage: Usage, (unit, count)| usage.with(unit, count);
        Unit::ALL
            .into_iter()
            .zip(counts)
            .fold(Usage::default(), with)
    })
}

proptest! {
    /// Two who report the same attempt may do so in any order, and twice.
    #[test]
    fn reports_of_one_attempt_come_in_any_order(one in usage(), other in usage()) {
        prop_assert_eq!(one.merge(other), other.merge(one));
        prop_assert_eq!(one.merge(other).merge(one), one.merge(other));
        for unit in Unit::ALL {
            prop_assert_eq!(one.merge(other).get(unit), one.get(unit).max(other.get(unit)));
        }
    }

    #[test]
    fn sums_are_exact_or_impossible(one in usage(), other in usage()) {
        let sum = one.plus(other);
        prop_assert_eq!(sum, other.plus(one));
        for unit in Unit::ALL {
            let exact = match (one.get(unit), other.get(unit)) {
                (Some(one), Some(other)) => one.checked_add(other).filter(|n| i64::try_from(*n).is_ok()),
                (one, other) => one.or(other),
            };
            prop_assert_eq!(sum.get(unit), exact);
        }
    }
}
