use super::*;
use crate::llm::Usage;
use std::time::Duration;

fn chat() -> LlmCall {
    LlmCall::new("openai", "chat", "gpt-4o-mini").duration(Duration::from_millis(840))
}

fn attributes(call: LlmCall, request: bool) -> Vec<(&'static str, AttributeValue)> {
    let mut out = Vec::new();
    let record = CallRecord::of(call, &Pricer::default());
    llm_attributes(&record, request, &mut |key, value| {
        out.push((key, value));
    });
    out
}

#[test]
fn span_attributes_follow_the_conventions() {
    let response = crate::llm::LlmResponse::new()
        .usage(Usage::new(10, 5).cache_write(4))
        .model("gpt-4o-mini-2024-07-18")
        .id("chatcmpl-1")
        .finish_reason("stop")
        .finish_reason("length");
    let request = crate::llm::Request::new()
        .max_tokens(1_000)
        .temperature(0.5)
        .server("api.openai.com", 443);
    let call = chat()
        .usage(response)
        .request(request)
        .time_to_first_chunk(Duration::from_millis(250));
    assert_eq!(
        attributes(call.cost_usd(0.25), true),
        [
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.provider.name", "openai".into()),
            ("gen_ai.request.model", "gpt-4o-mini".into()),
            ("gen_ai.request.max_tokens", 1_000.into()),
            ("gen_ai.request.temperature", 0.5.into()),
            ("server.address", "api.openai.com".into()),
            ("server.port", 443.into()),
            ("gen_ai.response.model", "gpt-4o-mini-2024-07-18".into()),
            ("gen_ai.response.id", "chatcmpl-1".into()),
            (
                "gen_ai.response.finish_reasons",
                AttributeValue::StringArray(vec!["stop".into(), "length".into()])
            ),
            ("gen_ai.request.stream", true.into()),
            ("gen_ai.response.time_to_first_chunk", 0.25.into()),
            ("gen_ai.usage.input_tokens", 10.into()),
            ("gen_ai.usage.output_tokens", 5.into()),
            ("gen_ai.usage.cache_write.input_tokens", 4.into()),
            ("operation.cost", 0.25.into()),
        ]
    );
    let call = LlmCall::new("openai", "embeddings", "e").usage(
        crate::llm::LlmResponse::new()
            .usage(Usage::input(7))
            .dimensions(1_536),
    );
    assert_eq!(
        attributes(call, false),
        [
            ("gen_ai.embeddings.dimension.count", 1_536.into()),
            ("gen_ai.usage.input_tokens", 7.into()),
            ("obs.cost.at_least", 0.0.into()),
            (
                "obs.cost.reasons",
                AttributeValue::StringArray(vec!["unpriced_model".into(), "unbounded".into()])
            ),
        ]
    );
}
