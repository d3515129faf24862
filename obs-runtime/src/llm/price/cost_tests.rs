use super::*;

fn usd(dollars: f64) -> Usd {
    Usd::from_f64(dollars).unwrap()
}

#[test]
fn costs_read_well() {
    for (cost, text) in [
        (Cost::ZERO, "$0.00"),
        (Cost::exactly(usd(0.3075)), "$0.3075"),
        (
            Cost::between(usd(0.3), usd(0.42), Reason::Cut),
            "$0.30 to $0.42 (cut)",
        ),
        (
            Cost::unbounded(usd(0.3), Reason::Cut),
            "at least $0.30 (cut, unbounded)",
        ),
        (
            Cost::unknown(Reason::NoUsage),
            "at least $0.00 (no_usage, unbounded)",
        ),
        (
            Cost::exactly(usd(0.3)).because(Reason::Counted),
            "$0.30 (counted)",
        ),
    ] {
        assert_eq!(cost.to_string(), text);
    }
    let cut = Cost::between(usd(0.300_049), usd(0.42), Reason::Cut);
    assert_eq!(format!("{cut:.4}"), "$0.3000 to $0.4200 (cut)");
}

#[test]
fn only_an_amount_without_a_doubt_is_exact() {
    assert_eq!(Cost::exactly(usd(1.0)).exact(), Some(usd(1.0)));
    assert_eq!(
        Cost::exactly(usd(1.0)).because(Reason::Counted).exact(),
        None
    );
    assert_eq!(Cost::unknown(Reason::NoUsage).exact(), None);
    // The ends never cross.
    let crossed = Cost::between(usd(2.0), usd(1.0), Reason::Cut);
    assert_eq!(
        (crossed.at_least, crossed.at_most),
        (usd(2.0), Some(usd(2.0)))
    );
}

#[test]
fn costs_add_up_end_by_end() {
    let costs = [
        Cost::exactly(usd(0.1)),
        Cost::between(usd(0.2), usd(0.5), Reason::Cut),
        Cost::between(usd(0.0), usd(0.25), Reason::TtlUnknown),
    ];
    let sum: Cost = costs.into_iter().sum();
    assert_eq!((sum.at_least, sum.at_most), (usd(0.3), Some(usd(0.85))));
    assert_eq!(sum.to_string(), "$0.30 to $0.85 (cut, ttl_unknown)");
    let mut open = sum;
    open += Cost::unknown(Reason::UnpricedModel);
    assert_eq!((open.at_least, open.at_most), (usd(0.3), None));
    assert!(open.reasons.contains(Reason::Unbounded));
    let words: Vec<_> = open.reasons.iter().map(Reason::as_str).collect();
    assert_eq!(words, ["cut", "ttl_unknown", "unpriced_model", "unbounded"]);
    assert_eq!(
        serde_json::to_value(open).unwrap(),
        serde_json::json!({"at_least_usd": "0.30", "at_most_usd": null, "reasons": words})
    );
}
