//! Which chunks of a stream hold output of the model.

use obs_tests_provider::{Answer, Tokens, body};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;
use super::tests::{events, formats};

#[test]
fn a_chunk_that_holds_output_is_known() {
    let holds = |raw: &Value| read(raw).and_then(|answer| answer.token);
    let chat = |delta: Value| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]});
    let block = |kind: &str, delta: Value| json!({"type": kind, "index": 0, "delta": delta});
    let part = |part: Value| json!({"candidates": [{"content": {"parts": [part]}}]});
    for output in [
        chat(json!({"content": "It"})),
        chat(json!({"reasoning_content": "Hm"})),
        chat(json!({"tool_calls": [{"index": 0, "function": {"name": "find"}}]})),
        json!({"type": "response.output_text.delta", "delta": "It"}),
        json!({"type": "response.function_call_arguments.delta", "delta": "{"}),
        block(
            "content_block_delta",
            json!({"type": "text_delta", "text": "It"}),
        ),
        block(
            "content_block_delta",
            json!({"type": "thinking_delta", "thinking": "Hm"}),
        ),
        block(
            "content_block_delta",
            json!({"type": "input_json_delta", "partial_json": "{"}),
        ),
        json!({"type": "content_block_start", "content_block": {"type": "tool_use", "name": "find"}}),
        part(json!({"text": "It"})),
        part(json!({"functionCall": {"name": "find"}})),
        json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "It"}}}),
        json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm"}}}),
        json!({"contentBlockIndex": 1, "start": {"toolUse": {"name": "find"}}}),
    ] {
        assert_eq!(holds(&output), Some(true), "{output}");
    }
    for none in [
        chat(json!({"role": "assistant", "content": ""})),
        chat(json!({})),
        json!({"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 9}}),
        json!({"type": "response.output_text.done", "text": "It is so."}),
        json!({"type": "message_start", "message": {"id": "msg_1", "content": []}}),
        json!({"type": "content_block_start", "content_block": {"type": "text", "text": ""}}),
        block(
            "content_block_delta",
            json!({"type": "signature_delta", "signature": "c2ln"}),
        ),
        part(json!({"text": ""})),
        json!({"usageMetadata": {"promptTokenCount": 9}}),
        json!({"messageStop": {"stopReason": "end_turn"}}),
    ] {
        assert_eq!(holds(&none), Some(false), "{none}");
    }
    // Of a whole answer nobody asks when it began.
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "It"}}]});
    assert_eq!(holds(&whole), None);
}

proptest! {
    #[test]
    fn the_first_output_of_a_stream_is_its_first_piece(pieces in 1_usize..5, format in formats()) {
        let tokens = Tokens { input: 9, output: 3, ..Tokens::default() };
        let answer = Answer::new("gemini-3-house", vec!["word "; pieces], tokens);
        let events = events(format, &body(format, true, &answer));
        let holds = |event: &Value| read(event).and_then(|answer| answer.token) == Some(true);
        prop_assert_eq!(events.iter().filter(|event| holds(event)).count(), pieces);
    }
}
