use obs_tests_provider::{Answer, Finish, Format, Reports, Tokens, body};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::llm::usage::{Source, Usage};

/// Numbers of a request whose sums include their parts.
fn tokens() -> impl Strategy<Value = Tokens> {
    let part = || 0_u64..5_000;
    let input = (1_u64..100_000, part(), part(), part());
    (input, 0_u64..5_000, part(), 0_u64..3).prop_map(
        |((plain, cache_read, five, hour), spoken, reasoning, web_searches)| Tokens {
            input: plain + cache_read + five + hour,
            output: spoken + reasoning,
            cache_read,
            cache_write_5m: five,
            cache_write_1h: hour,
            reasoning,
            web_searches,
        },
    )
}

fn reports() -> impl Strategy<Value = Reports> {
    use Reports::{Both, Every, First, Last, Never, Usual, Zeros};
    prop::sample::select(vec![Usual, First, Last, Both, Every, Never, Zeros])
}

fn answers() -> impl Strategy<Value = Answer> {
    let pieces = prop::collection::vec("[a-z \"{}\\\\]{0,6}", 0..6);
    (tokens(), pieces, reports(), any::<[bool; 3]>()).prop_map(
        |(tokens, pieces, reports, [cut, says_lifetimes, flex])| Answer {
            finish: if cut { Finish::Length } else { Finish::Stop },
            tier: flex.then(|| "flex".to_owned()),
            reports,
            says_lifetimes,
            ..Answer::new("gemini-3-house", pieces, tokens)
        },
    )
}

pub(super) fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(Format::OF_TEXT.to_vec())
}

/// What a format can say of the tokens.
fn sayable(format: Format, tokens: Tokens) -> Tokens {
    let mut said = tokens;
    match format {
        // No lifetimes, and searches only in responses.
        Format::Chat => said.web_searches = 0,
        Format::Gemini => {
            (said.cache_write_5m, said.cache_write_1h) = (0, 0);
        }
        Format::Bedrock => (said.reasoning, said.web_searches) = (0, 0),
        _ => {}
    }
    said
}

fn assert_says(answer: &LlmResponse, format: Format, expected: Tokens) {
    let usage = answer.usage.expect("usage");
    let said = sayable(format, expected);
    let or_zero = |count: Option<u64>| count.unwrap_or(0);
    assert_eq!(usage.source(), Source::Provider);
    assert_eq!(usage.input_tokens(), Some(said.input));
    assert_eq!(usage.output_tokens(), Some(said.output));
    assert_eq!(or_zero(usage.cache_read_tokens()), said.cache_read);
    let written = if format == Format::Gemini {
        0
    } else {
        said.cache_write()
    };
    assert_eq!(or_zero(usage.cache_write_tokens()), written);
    assert_eq!(or_zero(usage.reasoning_tokens()), said.reasoning);
    assert_eq!(or_zero(usage.web_search_count()), said.web_searches);
}

/// The chunks of a stream as JSON; what is no JSON is a mark.
pub(super) fn events(format: Format, chunks: &[Vec<u8>]) -> Vec<Value> {
    let one = |chunk: &Vec<u8>| {
        if format == Format::Bedrock {
            // The payload between headers and checksum.
            let headers = u32::from_be_bytes(chunk[4..8].try_into().unwrap()) as usize;
            return serde_json::from_slice(&chunk[12 + headers..chunk.len() - 4]).ok();
        }
        let text = std::str::from_utf8(chunk).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
        serde_json::from_str(data).ok()
    };
    chunks.iter().filter_map(one).collect()
}

proptest! {
    #[test]
    fn a_whole_answer_of_every_format_has_one_normal_form(answer in answers(), format in formats()) {
        let bytes = body(format, false, &answer).concat();
        let read = read_text(&bytes).expect("recognised");
        if matches!(answer.reports, Reports::Never | Reports::Zeros) {
            let searches = read.usage.and_then(|usage| usage.web_search_count());
            prop_assert!(read.usage.is_none() || searches.is_some(), "{:?}", read);
        } else {
            assert_says(&read, format, answer.tokens);
            let usage = read.usage.unwrap();
            if answer.says_lifetimes && matches!(format, Format::Anthropic) {
                prop_assert_eq!(usage.cache_write_1h_tokens(), Some(answer.tokens.cache_write_1h));
            }
        }
        let finish = if answer.finish == Finish::Stop { "stop" } else { "length" };
        prop_assert_eq!(read.finish_reasons().collect::<Vec<_>>(), [finish]);
        if format != Format::Bedrock {
            prop_assert_eq!(read.model.as_deref(), Some("gemini-3-house"));
            prop_assert_eq!(read.id.as_deref(), Some("answer-1"));
        }
        if format != Format::Anthropic || answer.reports != Reports::Never {
            let told = format != Format::Gemini || answer.reports != Reports::Never;
            prop_assert_eq!(read.tier.as_deref(), answer.tier.as_deref().filter(|_| told));
        }
    }

    #[test]
    fn a_stream_says_what_the_whole_answer_says_and_its_beginning_never_more(
        answer in answers(), format in formats(), twice in any::<prop::sample::Index>()
    ) {
        let mut events = events(format, &body(format, true, &answer));
        // One of them twice, as after a reconnection.
        let at = twice.index(events.len());
        events.insert(at, events[at].clone());
        let mut all = LlmResponse::new();
        for event in &events {
            if let Some(later) = read(event) {
                all.merge(later);
            }
            let usage = all.usage.unwrap_or_default();
            prop_assert!(usage.input_tokens().unwrap_or(0) <= answer.tokens.input);
            prop_assert!(usage.output_tokens().unwrap_or(0) <= answer.tokens.output);
            prop_assert!(usage.cache_read_tokens().unwrap_or(0) <= answer.tokens.cache_read);
            prop_assert!(usage.cache_write_tokens().unwrap_or(0) <= answer.tokens.cache_write());
            // The last word is the whole.
            if usage.source() == Source::Provider && usage != Usage::UNKNOWN {
                assert_says(&all, format, answer.tokens);
            }
        }
        let expected = match (format, answer.reports) {
            (_, Reports::Never | Reports::Zeros) => false,
            (Format::Bedrock, _) => true,
            (Format::Gemini, Reports::First) => answer.pieces.len() <= 1,
            (_, Reports::First) => false,
            _ => true,
        };
        let told = all.usage.is_some_and(|usage| usage.source() == Source::Provider);
        prop_assert_eq!(told, expected, "{:?}", all);
        prop_assert_eq!(all.finish_reasons().len(), 1);
    }

    #[test]
    fn arbitrary_json_never_fails_and_never_says_what_cannot_be(value in documents()) {
        let answer = (&value).into_llm_response();
        if let Some(usage) = answer.usage {
            prop_assert!(i64::try_from(usage.input_tokens().unwrap_or(0)).is_ok());
        }
        for reader in READERS {
            let _ = reader(&value);
        }
        let _ = value.to_string().as_str().into_llm_response();
    }

    #[test]
    fn arbitrary_bytes_never_fail(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = bytes.as_slice().into_llm_response();
    }
}

const READERS: [fn(&Value) -> LlmResponse; 6] = [
    openai::chat,
    openai::responses,
    openai::embeddings,
    anthropic::messages,
    gemini::generate_content,
    bedrock::converse,
];

/// Documents made of the words that the formats use, in any place and with any value.
fn documents() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "usage",
        "usageMetadata",
        "model",
        "id",
        "type",
        "object",
        "choices",
        "candidates",
        "message",
        "delta",
        "response",
        "status",
        "iterations",
        "input_tokens",
        "output_tokens",
        "prompt_tokens",
        "completion_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "cacheDetails",
        "cache_creation",
        "cache_creation_input_tokens",
        "ephemeral_1h_input_tokens",
        "promptTokenCount",
        "totalTokenCount",
        "inputTokens",
        "stopReason",
        "stop_reason",
        "finish_reason",
        "finishReason",
        "index",
        "data",
        "embedding",
        "metadata",
        "output",
        "groundingMetadata",
        "webSearchQueries",
        "promptTokensDetails",
        "modality",
        "tokenCount",
        "serviceTier",
        "trafficType",
        "service_tier",
    ]);
    let word = prop::sample::select(vec![
        "response",
        "message",
        "message_start",
        "message_delta",
        "list",
        "chat.completion.chunk",
        "AUDIO",
        "completed",
        "response.completed",
        "web_search_call",
        "12",
        "-1",
        "é",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..9).prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

#[test]
fn wrong_types_are_a_reason_and_new_members_are_nothing() {
    for wrong in [
        json!(-1),
        json!(1.5),
        json!("many"),
        json!({}),
        json!([1]),
        json!(true),
        json!(1e300),
    ] {
        let raw = json!({"choices": [], "model": "m", "usage": {
            "prompt_tokens": 12, "completion_tokens": wrong, "new_tokens": 3,
        }});
        let answer = read(&raw).unwrap();
        let usage = answer.usage.unwrap();
        assert!(usage.is_impossible(), "{wrong}");
        assert_eq!(
            (usage.input_tokens(), usage.output_tokens()),
            (Some(12), None)
        );
        assert_eq!(answer.model.as_deref(), Some("m"));
    }
    let long = "é".repeat(300);
    let named = openai::chat(&json!({"model": long, "id": "é"}));
    assert_eq!(named.model.unwrap(), "é".repeat(128));
    assert_eq!(named.id.unwrap(), "é");
    let raw = json!({"choices": [], "service_tier": "ludicrous", "usage": {"prompt_tokens": 12.0}});
    let answer = read(&raw).unwrap();
    assert_eq!(answer.tier.as_deref(), Some("ludicrous"));
    assert_eq!(answer.usage, Some(Usage::input(12).partial()));
}

#[test]
fn what_nobody_said_is_unknown_and_heartbeats_are_nobodys() {
    for nobodys in [
        json!({"type": "ping"}),
        json!({"error": {"message": "Slow down.", "type": "requests"}}),
        json!({"type": "error", "error": {"type": "overloaded_error"}}),
        json!(null),
        json!([]),
        json!("text"),
    ] {
        assert_eq!(read(&nobodys), None, "{nobodys}");
    }
    let raw =
        json!({"choices": [{"index": 0, "message": {}, "finish_reason": null}], "usage": null});
    assert_eq!(read(&raw), Some(LlmResponse::new()));
}

#[test]
fn the_stream_of_anthropic_has_its_input_at_the_start_and_its_output_at_the_end() {
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m",
            "usage": {"input_tokens": 100_000, "output_tokens": 1}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": null},
            "usage": {"input_tokens": 0, "output_tokens": 200}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 500}}),
    ];
    let mut all = LlmResponse::new();
    for event in &events[..2] {
        all.merge(read(event).unwrap());
    }
    let cached = |usage: Usage| usage.cache_read(0).cache_write(0);
    assert_eq!(all.usage, Some(cached(Usage::new(100_000, 200)).partial()));
    all.merge(read(&events[2]).unwrap());
    assert_eq!(all.usage, Some(cached(Usage::new(100_000, 500))));
}

#[test]
fn a_summary_of_the_conversation_is_paid_too() {
    let raw = json!({"type": "message", "model": "m", "stop_reason": "end_turn", "usage": {
        "input_tokens": 23_000, "output_tokens": 1_000,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000, "cache_read_input_tokens": 7},
        ],
    }});
    let usage = Usage::new(203_007, 4_500).cache_read(7).cache_write(0);
    assert_eq!(anthropic::messages(&raw).usage, Some(usage));
}

#[test]
fn what_another_model_did_for_an_answer_is_more_than_what_is_said() {
    let round = |kind: &str, model: &str| json!({"type": kind, "model": model, "input_tokens": 100, "output_tokens": 10});
    for (rounds, expected) in [
        (
            json!([round("message", "m"), round("advisor_message", "larger")]),
            Usage::new(100, 10).partial(),
        ),
        (
            json!([round("message", "larger"), round("fallback_message", "m")]),
            Usage::new(100, 10).partial(),
        ),
        (
            json!([round("message", "m"), round("message", "m")]),
            Usage::new(200, 20),
        ),
    ] {
        let raw = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": 100, "output_tokens": 10, "iterations": rounds}});
        let expected = expected.cache_read(0).cache_write(0);
        assert_eq!(read(&raw).unwrap().usage, Some(expected), "{rounds}");
    }
}

#[test]
fn gemini_bills_each_query_or_each_prompt_and_sums_what_it_left_out() {
    let raw = |model: &str| {
        json!({"modelVersion": model, "candidates": [{"finishReason": "MAX_TOKENS",
            "groundingMetadata": {"webSearchQueries": ["a", "", "b", "a"]}}],
            "usageMetadata": {"promptTokenCount": 10, "toolUsePromptTokenCount": 4, "totalTokenCount": 20}})
    };
    let newer = read(&raw("gemini-3-flash")).unwrap().usage.unwrap();
    assert_eq!(
        (newer.input_tokens(), newer.output_tokens()),
        (Some(14), Some(6))
    );
    assert_eq!(newer.web_search_count(), Some(2));
    let older = read(&raw("gemini-2.5-flash")).unwrap().usage.unwrap();
    assert_eq!(older.web_search_count(), Some(1));
}

#[test]
fn searches_of_responses_are_counted_where_they_are_not_said() {
    let call = |action: &str| json!({"type": "web_search_call", "action": {"type": action}});
    let raw = json!({"object": "response", "status": "completed",
        "output": [call("search"), call("open_page"), call("search"), {"type": "function_call"}],
        "usage": {"input_tokens": 9, "output_tokens": 1}});
    let answer = read(&raw).unwrap();
    assert_eq!(answer.usage, Some(Usage::new(9, 1).web_searches(2)));
    assert_eq!(answer.finish_reasons().collect::<Vec<_>>(), ["tool_call"]);
}

/// The price list's own reader is written by others, for whole answers: both must agree.
#[cfg(not(miri))]
mod oracle {
    use genai_prices::{Calculator, ExtractRequest};

    use super::*;

    proptest! {
        #[test]
        fn reads_the_same_of_whole_answers(answer in answers(), format in formats()) {
            let answer = Answer { reports: Reports::Usual, ..answer };
            let raw: Value = serde_json::from_slice(&body(format, false, &answer).concat()).unwrap();
            let (provider, flavor) = match format {
                Format::Chat | Format::Embeddings => ("openai", "chat"),
                Format::Responses => ("openai", "responses"),
                Format::Anthropic => ("anthropic", "default"),
                Format::Gemini => ("google", "default"),
                Format::Bedrock => ("aws", "default"),
            };
            let request = ExtractRequest::from_value(&raw)
                .with_provider_id(provider)
                .with_api_flavor(flavor);
            let theirs = Calculator::bundled().extract_provider_usage(&request).unwrap();
            let read = read(&raw).unwrap();
            let ours = read.usage.unwrap();
            for (key, ours) in [
                ("input_tokens", ours.input_tokens()),
                ("output_tokens", ours.output_tokens()),
                ("cache_read_tokens", ours.cache_read_tokens()),
                ("cache_write_tokens", ours.cache_write_tokens()),
                ("cache_write_5m_tokens", ours.cache_write_5m_tokens()),
                ("cache_write_1h_tokens", ours.cache_write_1h_tokens()),
                ("output_reasoning_tokens", ours.reasoning_tokens()),
            ] {
                let theirs = theirs.usage.get(key).map(|count| count as u64);
                prop_assert_eq!(theirs.unwrap_or(0), ours.unwrap_or(0), "{}", key);
            }
            prop_assert_eq!(theirs.model_ref.as_deref(), read.model.as_deref());
        }
    }
}

// bug: xAI counts reasoning beside the completion, and it cost nothing.
#[test]
fn reasoning_beside_the_completion_is_part_of_the_output() {
    let raw = serde_json::json!({
        "object": "chat.completion", "model": "grok-4.3", "choices": [],
        "usage": {
            "prompt_tokens": 12, "completion_tokens": 900, "total_tokens": 1_312,
            "completion_tokens_details": {"reasoning_tokens": 400},
        },
    });
    let expected = Usage::new(12, 1_300).reasoning(400).audio_output(0);
    assert_eq!(openai::chat(&raw).usage, Some(expected));
}
