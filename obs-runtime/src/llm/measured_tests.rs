use super::*;
use crate::llm::{IntoUsage, Usage};
use crate::metrics::snapshot::{MetricData, MetricFamily, Number};
use crate::{AttributeValue, Span, callsite::Callsite, testing};

static CHAT: Callsite = Callsite::new(crate::callsite::CallsiteSpec::new(
    "chat",
    &crate::callsite::Source {
        module: "m",
        file: "f.rs",
    },
    1,
));

fn begin() -> Measured<ModelCall> {
    llm_begin("openai", "chat", "gpt-4o-mini")
}

fn succeed(mut call: Measured<ModelCall>, said: impl IntoUsage) {
    call.item(Some(said.into_llm_response().into()));
    call.end(End::Ok);
}

fn fail(mut call: Measured<ModelCall>, kind: &'static str) {
    call.end(End::Failed(kind.into()));
}

fn in_span<R>(f: impl FnOnce() -> R) -> R {
    Span::begin(&CHAT, Vec::new).in_scope(|_| f())
}

fn count(metrics: &[MetricFamily], name: &str, label: (&str, &str)) -> u64 {
    let family = metrics.iter().find(|f| f.name == name);
    let Some(MetricData::Histogram(points)) = family.map(|f| &f.data) else {
        return 0;
    };
    let has = |p: &&crate::metrics::HistogramPoint| p.labels.iter().any(|(k, v)| (k, v) == label);
    points.iter().filter(has).map(|p| p.count).sum()
}

const DURATION: &str = "gen_ai.client.inference.duration";

#[test]
fn a_call_that_returns_has_its_tokens_and_cost_on_its_span() {
    let captured = testing::capture(|| {
        in_span(|| {
            succeed(begin(), Usage::new(1_000, 100).nothing_else());
        });
    });
    let span = captured.span("chat");
    let value = |key| span.attribute(key).cloned();
    assert_eq!(
        value("gen_ai.usage.input_tokens"),
        Some(AttributeValue::I64(1_000))
    );
    assert_eq!(
        value("gen_ai.usage.output_tokens"),
        Some(AttributeValue::I64(100))
    );
    assert_eq!(value("operation.cost"), Some(AttributeValue::F64(0.000_21)));
    // The request's attributes are the expansion's.
    assert_eq!(value("gen_ai.request.model"), None);
    assert_eq!(
        count(
            &captured.metrics,
            DURATION,
            ("gen_ai.request.model", "gpt-4o-mini")
        ),
        1
    );
    let family = captured
        .metrics
        .iter()
        .find(|f| f.name == DURATION)
        .unwrap();
    let MetricData::Histogram(points) = &family.data else {
        panic!("{family:?}")
    };
    assert_eq!(points[0].exemplars[0].span_id, span.span_id);
}

#[test]
fn a_call_without_usage_is_not_free() {
    let captured = testing::capture(|| in_span(|| succeed(begin(), LlmResponse::default())));
    let span = captured.span("chat");
    let reasons = ["no_usage", "unbounded"].map(Into::into).to_vec();
    assert_eq!(
        span.attribute("obs.cost.reasons"),
        Some(&AttributeValue::StringArray(reasons))
    );
    assert_eq!(span.attribute("operation.cost"), None);
    assert!(
        captured
            .metrics
            .iter()
            .any(|f| f.name == "obs.llm.unpriced")
    );
}

#[test]
fn failures_cancellations_and_panics_are_told_apart() {
    let captured = testing::capture(|| {
        in_span(|| fail(begin(), "timeout"));
        in_span(|| drop(begin()));
        let panicked = std::panic::catch_unwind(|| {
            in_span(|| {
                let _call = begin();
                panic!("in the call")
            });
        });
        assert!(panicked.is_err());
    });
    for kind in ["timeout", "cancelled", "panic"] {
        assert_eq!(
            count(&captured.metrics, DURATION, ("error.type", kind)),
            1,
            "{kind}"
        );
    }
}

#[test]
fn a_call_that_ends_outside_its_span_changes_no_other() {
    let captured = testing::capture(|| {
        Span::begin(&CHAT, Vec::new)
            .set_name("outer")
            .in_scope(|_| {
                let call = in_span(begin);
                drop(call);
            });
    });
    assert!(captured.span("outer").attributes.is_empty());
    assert!(captured.span("chat").attributes.is_empty());
    assert_eq!(
        count(&captured.metrics, DURATION, ("error.type", "cancelled")),
        1
    );
}

#[test]
fn streams_measure_the_first_chunk() {
    let captured = testing::capture(|| {
        in_span(|| {
            let mut call = begin().streaming();
            call.item(None);
            succeed(call, Usage::new(1, 1));
        });
    });
    let span = captured.span("chat");
    assert_eq!(
        span.attribute("gen_ai.request.stream"),
        Some(&AttributeValue::Bool(true))
    );
    assert!(
        span.attribute("gen_ai.response.time_to_first_chunk")
            .is_some()
    );
    let name = "gen_ai.client.inference.time_to_first_chunk";
    assert_eq!(
        count(&captured.metrics, name, ("gen_ai.operation.name", "chat")),
        1
    );
}

#[test]
fn a_vector_operation_has_its_numbers() {
    let captured = testing::capture(|| {
        in_span(|| {
            let mut op = vector_begin("qdrant", "upsert", "docs").knowing(Numbers {
                count: Some(9),
                dimensions: Some(1_536),
            });
            // What the value says is newer.
            op.item(Some(Numbers {
                count: Some(5),
                dimensions: None,
            }));
            op.end(End::Ok);
        });
    });
    let span = captured.span("chat");
    assert_eq!(
        span.attribute("obs.vector.count"),
        Some(&AttributeValue::I64(5))
    );
    assert_eq!(
        span.attribute("obs.vector.dimensions"),
        Some(&AttributeValue::I64(1_536))
    );
    let name = "db.client.operation.duration";
    assert_eq!(
        count(&captured.metrics, name, ("db.collection.name", "docs")),
        1
    );
}

#[test]
fn manual_reports_name_the_request_too() {
    use crate::llm::{LlmCall, VectorOp};
    let captured = testing::capture(|| {
        Span::begin(&CHAT, Vec::new)
            .record_llm_call(
                LlmCall::new("anthropic", "chat", "claude-sonnet-4-5").usage((10_u64, 1)),
            )
            .record_vector_operation(
                VectorOp::new("qdrant", "search")
                    .collection("docs")
                    .count(3),
            );
    });
    let span = captured.span("chat");
    for (key, value) in [
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "claude-sonnet-4-5"),
        ("gen_ai.operation.name", "chat"),
        ("db.system.name", "qdrant"),
        ("db.collection.name", "docs"),
    ] {
        assert_eq!(
            span.attribute(key),
            Some(&AttributeValue::from(value)),
            "{key}"
        );
    }
}

#[test]
fn calls_that_run_are_counted() {
    let active = |metrics: &[MetricFamily]| {
        let family = metrics.iter().find(|f| f.name == "obs.llm.active").unwrap();
        let MetricData::UpDownCounter(points) = &family.data else {
            panic!("{family:?}")
        };
        assert_eq!(points.len(), 1);
        points[0].value
    };
    let captured = testing::capture(|| (begin(), begin()));
    assert_eq!(active(&captured.metrics), Number::I64(2));
    let captured = testing::capture(|| {
        let (kept, dropped) = (begin(), begin());
        drop(dropped);
        fail(begin(), "timeout");
        kept
    });
    assert_eq!(active(&captured.metrics), Number::I64(1));
    // A collector that was cleared in between knows nothing of the call, not that it ran backwards.
    let captured = testing::capture(|| {
        let running = begin();
        crate::scope::current_metrics().clear();
        drop(running);
        begin()
    });
    assert_eq!(active(&captured.metrics), Number::I64(1));
}

#[test]
fn without_obs_nothing_happens() {
    succeed(begin(), Usage::new(1, 1));
    drop(vector_begin("a", "b", ""));
}
