//! OpenAI: chat completions, responses, embeddings.
//! <https://platform.openai.com/docs/api-reference/chat>, <…/responses>, <…/responses-streaming>, <…/embeddings>

use serde_json::{Value, json};

use super::{Chunk, Report, event, report, report_at, with_searches};
use crate::journal::Tokens;
use crate::script::{Answer, Finish, Refusal, Reports};

pub(super) fn error(refusal: &Refusal) -> Value {
    let kind = match refusal.status {
        429 => "requests",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    json!({"error": {
        "message": refusal.message, "type": kind, "param": null, "code": refusal.code,
    }})
}

/// What a stream says when the provider fails in the middle of it.
pub(super) fn failure() -> Vec<u8> {
    let error = json!({"error": {
        "message": "The server had an error while processing your request.",
        "type": "server_error", "param": null, "code": null,
    }});
    event("", &error, None).bytes
}

pub(super) fn embeddings(model: &str, vectors: &[Vec<f32>], tokens: Tokens) -> Value {
    let one = |(index, vector): (usize, &Vec<f32>)| json!({"object": "embedding", "index": index, "embedding": vector});
    let data: Vec<Value> = vectors.iter().enumerate().map(one).collect();
    let usage = json!({"prompt_tokens": tokens.input, "total_tokens": tokens.input});
    json!({"object": "list", "data": data, "model": model, "usage": usage})
}

fn usage_of_chat(tokens: Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cache_read,
            "cache_write_tokens": tokens.cache_write(),
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn envelope(answer: &Answer, object: &str, choices: &Value, usage: Option<Tokens>) -> Value {
    let mut body = json!({
        "id": answer.id, "object": object, "created": 1_790_000_000_u64, "model": answer.model,
        "choices": choices, "usage": usage.map(usage_of_chat), "system_fingerprint": "fp_1",
    });
    if !answer.says_parts {
        without(&mut body, "prompt_tokens_details");
    }
    if let Some(tier) = &answer.tier {
        body["service_tier"] = json!(tier);
    }
    body
}

/// Leaves a member of the usage out, if there is a usage.
fn without(body: &mut Value, details: &str) {
    if let Some(usage) = body["usage"].as_object_mut() {
        usage.remove(details);
    }
}

fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

pub(super) fn completion(answer: &Answer, usage: Option<Tokens>) -> Value {
    let message =
        json!({"role": "assistant", "content": answer.text(), "refusal": null, "annotations": []});
    let choices = json!([{
        "index": 0, "message": message, "finish_reason": finish(answer), "logprobs": null,
    }]);
    envelope(answer, "chat.completion", &choices, usage)
}

pub(super) fn completion_stream(answer: &Answer, wants_usage: bool) -> Vec<Chunk> {
    let mut answer = answer.clone();
    if answer.reports == Reports::Usual {
        answer.reports = if wants_usage {
            Reports::Last
        } else {
            Reports::Never
        };
    }
    let opening = (json!({"role": "assistant", "content": ""}), Value::Null);
    let pieces = answer
        .pieces
        .iter()
        .map(|piece| (json!({ "content": piece }), Value::Null));
    let end = (json!({}), Value::from(finish(&answer)));
    let deltas: Vec<(Value, Value)> = [opening].into_iter().chain(pieces).chain([end]).collect();
    // Usage comes last, in a chunk without choices.
    let has_last = matches!(
        answer.reports,
        Reports::Last | Reports::Both | Reports::Every | Reports::Zeros
    );
    let count = deltas.len() + usize::from(has_last);
    let one = |choices: &Value, report: Report| {
        let body = envelope(&answer, "chat.completion.chunk", choices, report.value);
        event("", &body, report.said)
    };
    let mut chunks: Vec<Chunk> = Vec::with_capacity(count + 1);
    for (at, (delta, finish)) in deltas.into_iter().enumerate() {
        // When it stops, everything has been put out.
        let said = match (answer.reports, &finish) {
            (Reports::Every, Value::String(_)) => report(&answer, 1.0),
            _ => report_at(&answer, at, count),
        };
        let choices =
            json!([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": null}]);
        chunks.push(one(&choices, said));
    }
    if has_last {
        chunks.push(one(&json!([]), report_at(&answer, count - 1, count)));
    }
    chunks.push(Chunk {
        bytes: b"data: [DONE]\n\n".to_vec(),
        said: None,
    });
    chunks
}

fn usage_of_response(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cache_read,
            "cache_write_tokens": tokens.cache_write(),
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    })
}

/// The object of a response: as it begins, or as it ends.
pub(super) fn response(answer: &Answer, usage: Option<Tokens>, ended: bool) -> Value {
    let (status, details) = match (ended, answer.finish) {
        (false, _) => ("in_progress", Value::Null),
        (true, Finish::Stop) => ("completed", Value::Null),
        (true, Finish::Length) => ("incomplete", json!({"reason": "max_output_tokens"})),
    };
    let mut output = Vec::new();
    if ended {
        for at in 0..answer.tokens.web_searches {
            output.push(json!({
                "type": "web_search_call", "id": format!("ws_{at}"), "status": "completed",
                "action": {"type": "search", "query": "q"},
            }));
        }
        output.push(item(answer, &answer.text(), "completed"));
    }
    let mut body = json!({
        "id": answer.id, "object": "response", "created_at": 1_790_000_000_u64, "model": answer.model,
        "status": status, "error": null, "incomplete_details": details, "output": output,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "usage": usage.map(usage_of_response),
    });
    if let Some(tier) = &answer.tier {
        body["service_tier"] = json!(tier);
    }
    if !answer.says_parts {
        without(&mut body, "input_tokens_details");
    }
    if let Some(tokens) = usage.filter(|_| ended) {
        body["tool_usage"] = json!({
            "image_gen": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
            "web_search": {"num_requests": tokens.web_searches},
        });
    }
    body
}

fn item(answer: &Answer, text: &str, status: &str) -> Value {
    json!({
        "type": "message", "id": format!("msg_{}", answer.id), "status": status, "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    })
}

pub(super) fn response_stream(answer: &Answer) -> Vec<Chunk> {
    let mut answer = answer.clone();
    if answer.reports == Reports::Usual {
        answer.reports = Reports::Last;
    }
    let mut chunks = Vec::with_capacity(answer.pieces.len() + 5);
    let mut push = |name: &str, mut data: Value, said: Option<Tokens>| {
        data["type"] = json!(name);
        data["sequence_number"] = json!(chunks.len());
        chunks.push(event(name, &data, said));
    };
    for (at, name) in ["response.created", "response.in_progress"]
        .into_iter()
        .enumerate()
    {
        let said = report_at(&answer, at, 3);
        let body = response(&answer, said.value, false);
        push(name, json!({ "response": body }), said.said);
    }
    let begun = item(&answer, "", "in_progress");
    let added = json!({"output_index": 0, "item": begun});
    push("response.output_item.added", added, None);
    for piece in &answer.pieces {
        let id = format!("msg_{}", answer.id);
        let data = json!({"item_id": id, "output_index": 0, "content_index": 0, "delta": piece, "logprobs": []});
        push("response.output_text.delta", data, None);
    }
    let done = json!({"output_index": 0, "item": item(&answer, &answer.text(), "completed")});
    push("response.output_item.done", done, None);
    let name = match answer.finish {
        Finish::Stop => "response.completed",
        Finish::Length => "response.incomplete",
    };
    let last = if matches!(answer.reports, Reports::First) {
        Report::NONE
    } else {
        report(&answer, 1.0)
    };
    let body = response(&answer, last.value, true);
    let said = with_searches(&answer, last.said);
    push(name, json!({ "response": body }), said);
    chunks
}
