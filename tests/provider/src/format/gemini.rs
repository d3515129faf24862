//! Gemini: `generateContent`. <https://ai.google.dev/api/generate-content>

use serde_json::{Value, json};

use super::{Chunk, event, report_at, with_searches};
use crate::journal::Tokens;
use crate::script::{Answer, Finish, Refusal};

pub(super) fn error(refusal: &Refusal) -> Value {
    let status = match refusal.status {
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        401 => "UNAUTHENTICATED",
        404 => "NOT_FOUND",
        _ => "INVALID_ARGUMENT",
    };
    json!({"error": {"code": refusal.status, "message": refusal.message, "status": status}})
}

pub(super) fn failure() -> Vec<u8> {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    event("", &error, None).bytes
}

/// The prompt includes what was cached; the candidates do not include the thoughts.
fn usage(answer: &Answer, tokens: Tokens) -> Value {
    let mut usage = json!({
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "totalTokenCount": tokens.input + tokens.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    });
    if tokens.cache_read > 0 {
        usage["cachedContentTokenCount"] = json!(tokens.cache_read);
        usage["cacheTokensDetails"] =
            json!([{"modality": "TEXT", "tokenCount": tokens.cache_read}]);
    }
    if tokens.reasoning > 0 {
        usage["thoughtsTokenCount"] = json!(tokens.reasoning);
    }
    if let Some(tier) = &answer.tier {
        usage["trafficType"] = json!(tier);
    }
    usage
}

/// One response: the whole answer, or a chunk of it.
pub(super) fn response(answer: &Answer, text: &str, ended: bool, tokens: Option<Tokens>) -> Value {
    let mut candidate =
        json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if ended {
        candidate["finishReason"] = match answer.finish {
            Finish::Stop => json!("STOP"),
            Finish::Length => json!("MAX_TOKENS"),
        };
        if answer.tokens.web_searches > 0 {
            let queries: Vec<String> = (0..answer.tokens.web_searches)
                .map(|at| format!("query {at}"))
                .collect();
            candidate["groundingMetadata"] = json!({ "webSearchQueries": queries });
        }
    }
    let mut body = json!({
        "candidates": [candidate], "modelVersion": answer.model, "responseId": answer.id,
    });
    if let Some(tokens) = tokens {
        body["usageMetadata"] = usage(answer, tokens);
    }
    body
}

pub(super) fn stream(answer: &Answer) -> Vec<Chunk> {
    // The last chunk carries the end, with or without a text.
    let count = answer.pieces.len().max(1);
    let one = |at: usize| {
        let text = answer.pieces.get(at).map_or("", String::as_str);
        let report = report_at(answer, at, count);
        let body = response(answer, text, at + 1 == count, report.value);
        let said = if at + 1 == count {
            with_searches(answer, report.said)
        } else {
            report.said
        };
        event("", &body, said)
    };
    (0..count).map(one).collect()
}
