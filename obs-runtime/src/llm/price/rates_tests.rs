use super::*;
use crate::llm::price::ModelPrice;
use proptest::prelude::*;

/// Dollars for a million: 1, of the cache 0.1, 1.25 and 2; 10 of output.
const RATES: ModelPrice = ModelPrice::per_million(1.0, 10.0)
    .cache_read(0.1)
    .cache_write(1.25)
    .cache_write_1h(2.0);

fn costs(usage: Usage, said: Said, bounds: Bounds) -> String {
    cost(&RATES, &usage, said, bounds).to_string()
}

const M: u64 = 1_000_000;

#[test]
fn what_is_open_is_bounded_by_the_request() {
    let none = Bounds::default();
    let both = Bounds {
        output: Some(M),
        input: Some(3 * M),
    };
    let usage = Usage::new(M, M / 2);
    assert_eq!(costs(usage, Said::All, both), "$6.00");
    assert_eq!(costs(usage, Said::Part, both), "$6.00 to $11.00 (cut)");
    assert_eq!(
        costs(usage, Said::Part, none),
        "at least $6.00 (cut, unbounded)"
    );
    let unknown = Usage::UNKNOWN;
    assert_eq!(
        costs(unknown, Said::Nothing, both),
        "$0.00 to $13.00 (no_usage)"
    );
    assert_eq!(
        costs(Usage::input(M), Said::All, none),
        "at least $1.00 (no_usage, unbounded)"
    );
    // What the model does not sell needs no count.
    let embeds = ModelPrice::per_million(1.0, 0.0);
    let usage = Usage::input(M);
    let found = cost(&embeds, &usage, Said::All, none);
    assert_eq!(found.to_string(), "$1.00");
}

#[test]
fn impossible_and_contradicting_counts_have_a_range() {
    let none = Bounds::default();
    let minus = Usage::new(-1, M / 2);
    assert_eq!(
        costs(minus, Said::All, none),
        "at least $5.00 (invalid_usage, unbounded)"
    );
    let parts = Usage::new(M, 0).cache_read(2 * M);
    assert_eq!(
        costs(parts, Said::All, none),
        "$0.10 to $1.20 (invalid_usage)"
    );
    let reasoning = Usage::new(0, M).reasoning(2 * M);
    assert_eq!(
        costs(reasoning, Said::All, none),
        "$10.00 to $20.00 (invalid_usage)"
    );
    let huge = Usage::new(i64::MAX, i64::MAX).cache_write(i64::MAX);
    let found = cost(&RATES, &huge, Said::All, none);
    assert!(!found.is_exact() || found.at_least > Usd::ZERO);
}

proptest! {
    /// What is known exactly costs one amount, and less is never dearer.
    #[test]
    fn costs_grow_with_their_counts(
        input in 0..10_000_000_u64,
        shares in proptest::array::uniform4(0..100_u64),
        output in 0..1_000_000_u64,
        more in 0..1_000_u64,
    ) {
        let all = shares.iter().sum::<u64>().max(1);
        let [read, five, hour, _] = shares.map(|share| input * share / all);
        let usage = |output| {
            Usage::new(input, output)
                .cache_read(read)
                .cache_write_5m(five)
                .cache_write_1h(hour)
        };
        let exact = cost(&RATES, &usage(output), Said::All, Bounds::default());
        let plain = input - read - five - hour;
        let micros = plain * 100 + read * 10 + five * 125 + hour * 200 + output * 1_000;
        let picos = exact.exact().map(Usd::picodollars);
        prop_assert_eq!(picos, Some(i128::from(micros) * 10_000));
        let dearer = cost(&RATES, &usage(output + more), Said::All, Bounds::default());
        prop_assert!(dearer.at_least >= exact.at_least);
        // Without the lifetime both are possible.
        let unsplit = Usage::new(input, output).cache_read(read).cache_write(five + hour);
        let range = cost(&RATES, &unsplit, Said::All, Bounds::default());
        prop_assert!(range.at_least <= exact.at_least);
        prop_assert!(range.at_most.unwrap() >= exact.at_least);
    }
}
