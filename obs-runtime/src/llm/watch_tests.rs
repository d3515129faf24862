use super::*;

#[test]
fn the_paths_of_inference_are_known() {
    for path in [
        "/v1/chat/completions",
        "/openai/deployments/ours/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1beta/models/gemini-3-flash:streamGenerateContent",
        "/model/anthropic.claude/converse-stream",
        "/api/chat/",
    ] {
        assert!(infers(path), "{path}");
    }
    for path in [
        "/",
        "/v1/models",
        "/v1/messages/count_tokens",
        "/v1beta/models/gemini-3-flash:countTokens",
        "/oauth/token",
        "/v1/files",
        "/search",
    ] {
        assert!(!infers(path), "{path}");
    }
}
