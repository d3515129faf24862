use super::*;
use crate::semconv::metric;
use crate::trace::{SpanId, TraceFlags, TraceId};

fn collect(meters: &Meters) -> Vec<MetricFamily> {
    let mut out = Vec::new();
    meters.collect(&mut out);
    out
}

#[test]
fn sums_and_money_add_up_by_series() {
    let meters = Meters::default();
    let of = |model| labels(&[("model", model), ("a", "1"), ("none", "")]);
    meters.count(&metric::GEN_AI_USAGE_INPUT_TOKENS, of("x"), 2);
    meters.count(&metric::GEN_AI_USAGE_INPUT_TOKENS, of("x"), 3);
    meters.count(&metric::GEN_AI_USAGE_INPUT_TOKENS, of("y"), 7);
    for _ in 0..10 {
        meters.money(&metric::OBS_LLM_COST, of("x"), Usd::from_f64(0.1).unwrap());
    }
    let families = collect(&meters);
    assert_eq!(families.len(), 2);
    let MetricData::Counter(tokens) = &families[0].data else {
        panic!("{families:?}")
    };
    assert_eq!(families[0].unit, "{token}");
    assert_eq!(
        (tokens[0].value, tokens[1].value),
        (Number::U64(5), Number::U64(7))
    );
    let keys: Vec<_> = tokens[0].labels.iter().map(|(k, _)| k).collect();
    assert_eq!(keys, ["a", "model"]);
    let MetricData::Counter(cost) = &families[1].data else {
        panic!("{families:?}")
    };
    assert_eq!(cost[0].value, Number::F64(1.0));
}

#[test]
fn a_value_equal_to_a_bound_is_in_its_bucket() {
    let meters = Meters::default();
    let context = SpanContext::remote(
        TraceId::from_bytes([1; 16]),
        SpanId::from_bytes([2; 8]),
        TraceFlags::SAMPLED,
    );
    let def = &metric::GEN_AI_INFERENCE_DURATION;
    for value in [0.01, 0.02, 100.0] {
        meters.observe(def, labels(&[]), value, context);
    }
    meters.observe(def, labels(&[]), 0.015, None);
    let MetricData::Histogram(points) = &collect(&meters)[0].data else {
        panic!()
    };
    let point = &points[0];
    assert_eq!(
        (point.counts[0], point.counts[1], point.counts[14]),
        (1, 2, 1)
    );
    assert_eq!(
        (point.count, point.min, point.max),
        (4, Some(0.01), Some(100.0))
    );
    assert_eq!(point.exemplars.len(), 3);
    assert_eq!(point.exemplars[0].trace_id, TraceId::from_bytes([1; 16]));
}

#[test]
fn series_are_bounded() {
    let meters = Meters::default();
    for n in 0..MAX_SERIES + 50 {
        meters.count(
            &metric::OBS_LLM_UNPRICED,
            labels(&[("m", &n.to_string())]),
            1,
        );
    }
    let MetricData::Counter(points) = &collect(&meters)[0].data else {
        panic!()
    };
    assert_eq!(points.len(), MAX_SERIES + 1);
    let overflow = points
        .iter()
        .find(|p| p.labels.get("otel.metric.overflow").is_some());
    assert_eq!(overflow.unwrap().value, Number::U64(50));
}
