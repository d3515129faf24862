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
            ("gen_ai.request.stream", true.into()),
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

fn texts(texts: &[&'static str]) -> AttributeValue {
    AttributeValue::StringArray(texts.iter().map(|text| (*text).into()).collect())
}

/// The attributes of a request, without those of all calls.
fn asked(provider: &'static str, request: Request) -> Vec<(&'static str, AttributeValue)> {
    let call = LlmCall::new(provider, "chat", "m").request(request);
    let all = attributes(call.cost_usd(0.0), false);
    let of_request = |key: &str| !key.contains("cost");
    all.into_iter().filter(|(key, _)| of_request(key)).collect()
}

#[test]
fn a_request_has_the_attributes_of_the_conventions() {
    let request = Request::new()
        .top_p(0.9)
        .top_k(40)
        .frequency_penalty(0.1)
        .presence_penalty(-0.5)
        .seed(-7)
        .choices(3)
        .stop_sequences(["END", "STOP"])
        .encoding_formats(["base64"])
        .reasoning_level("high")
        .output_type("json")
        .tier("flex")
        .prompt("analyze")
        .prompt_version("2")
        .conversation("conv_1")
        .previous_response("resp_1")
        .stream();
    assert_eq!(
        asked("openai", request.clone()),
        [
            ("gen_ai.request.stream", true.into()),
            ("gen_ai.request.top_k", 40.into()),
            ("gen_ai.request.choice.count", 3.into()),
            ("gen_ai.request.seed", (-7).into()),
            ("gen_ai.request.top_p", 0.9.into()),
            ("gen_ai.request.frequency_penalty", 0.1.into()),
            ("gen_ai.request.presence_penalty", (-0.5).into()),
            ("gen_ai.request.stop_sequences", texts(&["END", "STOP"])),
            ("gen_ai.request.encoding_formats", texts(&["base64"])),
            ("gen_ai.request.reasoning.level", "high".into()),
            ("gen_ai.output.type", "json".into()),
            ("openai.request.service_tier", "flex".into()),
            ("gen_ai.prompt.name", "analyze".into()),
            ("gen_ai.prompt.version", "2".into()),
            ("gen_ai.conversation.id", "conv_1".into()),
            ("gen_ai.request.previous_response.id", "resp_1".into()),
        ]
    );
    // The attributes of OpenAI are not those of another provider.
    let others = asked("anthropic", request);
    assert!(others.contains(&("obs.llm.request.tier", "flex".into())));
    assert!(others.iter().all(|(key, _)| !key.starts_with("openai.")));
}

#[test]
fn what_says_nothing_is_left_out() {
    let request = Request::new()
        .choices(1)
        .tier("auto")
        .prompt_version("2")
        .reasoning_level("")
        .temperature(f64::NAN)
        .top_p(f64::INFINITY);
    assert_eq!(asked("openai", request), []);
}

#[test]
fn the_tier_that_served_is_shown_by_the_provider_s_own_name() {
    let served = |provider: &'static str| {
        let response = crate::llm::LlmResponse::new().tier("priority");
        let call = LlmCall::new(provider, "chat", "m").usage(response);
        let all = attributes(call, false);
        let found = all.iter().find(|(_, value)| *value == "priority".into());
        found.map(|(key, _)| *key)
    };
    assert_eq!(served("openai"), Some("openai.response.service_tier"));
    assert_eq!(served("gcp.gemini"), Some("obs.llm.response.tier"));
}

#[test]
fn modalities_are_parts_of_the_tokens() {
    let usage = Usage::new(100, 50)
        .audio_input(10)
        .image_input(20)
        .audio_output(30)
        .image_output(0);
    let all = attributes(chat().usage(usage), false);
    let of_usage = all
        .into_iter()
        .filter(|(key, _)| key.starts_with("gen_ai.usage."));
    assert_eq!(
        of_usage.collect::<Vec<_>>(),
        [
            ("gen_ai.usage.input_tokens", 100.into()),
            ("gen_ai.usage.output_tokens", 50.into()),
            ("gen_ai.usage.audio.input_tokens", 10.into()),
            ("gen_ai.usage.audio.output_tokens", 30.into()),
            ("gen_ai.usage.image.input_tokens", 20.into()),
        ]
    );
}

#[test]
fn a_stream_that_broke_off_has_error_in_the_place_of_its_reasons() {
    let first = Duration::from_millis(10);
    let reasons = |call: LlmCall| {
        let all = attributes(call, false);
        let found = all
            .into_iter()
            .find(|(key, _)| *key == "gen_ai.response.finish_reasons");
        found.map(|(_, value)| value)
    };
    let streamed = || chat().time_to_first_chunk(first).error("reset");
    assert_eq!(reasons(streamed()), Some(texts(&["error"])));
    let answer = crate::llm::LlmResponse::new().finish(1, "stop");
    let three = streamed().request(Request::new().choices(3)).usage(answer);
    assert_eq!(reasons(three), Some(texts(&["error", "stop", "error"])));
    let absurd = streamed().request(Request::new().choices(u64::MAX));
    assert!(matches!(reasons(absurd), Some(AttributeValue::StringArray(all)) if all.len() == 128));
    // Nothing was received, or nothing is missing.
    assert_eq!(reasons(chat().error("reset")), None);
    assert_eq!(reasons(chat().time_to_first_chunk(first)), None);
}
