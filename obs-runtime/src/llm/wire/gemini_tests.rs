use super::*;
use crate::llm::usage::Usage;
use serde_json::json;

// bug: how much of the audio was cached was guessed, and the guess was called exact.
#[test]
fn gemini_says_of_which_modality_the_cached_tokens_are() {
    let raw = |cached: Value| {
        let mut raw = json!({
            "candidates": [{"finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 1_000, "candidatesTokenCount": 10, "cachedContentTokenCount": 600,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 500}, {"modality": "AUDIO", "tokenCount": 500},
                ],
            },
        });
        if !cached.is_null() {
            raw["usageMetadata"]["cacheTokensDetails"] = cached;
        }
        generate_content(&raw).usage.unwrap()
    };
    let said = raw(json!([
        {"modality": "TEXT", "tokenCount": 400}, {"modality": "AUDIO", "tokenCount": 200},
    ]));
    assert_eq!(said.cache_read_audio_tokens(), Some(200));
    assert_eq!(said.cache_read_image_tokens(), Some(0));
    assert_eq!(raw(Value::Null).cache_read_audio_tokens(), None);
    let price = |usage: Usage| {
        use crate::llm::{LlmCall, account::LlmState};
        let call = LlmCall::new("gcp.gemini", "chat", "gemini-2.5-flash").usage(usage);
        LlmState::default().llm_call(call, None).cost.to_string()
    };
    // Dollars for a million: 0.30 of text, 0.03 cached; 1 of audio, 0.1 cached; 2.50 of output.
    let output = 10.0 * 2.5;
    let dollars = |cached_audio: f64| {
        let text = (500.0 - (600.0 - cached_audio)) * 0.3 + (600.0 - cached_audio) * 0.03;
        let audio = (500.0 - cached_audio) + cached_audio * 0.1;
        crate::llm::Usd::from_f64((text + audio + output) / 1e6).unwrap()
    };
    assert_eq!(price(said), format!("${}", dollars(200.0)));
    let (least, most) = (dollars(500.0), dollars(100.0));
    assert_eq!(
        price(raw(Value::Null)),
        format!("${least} to ${most} (parts_unknown)")
    );
}
