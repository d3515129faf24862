//! How a provider is asked for the usage of a streamed answer. obs changes no request, so it says it.

/// What to do where a stream was read to its end and nobody has told its usage.
pub(crate) fn remedy(provider: &str) -> &'static str {
    match provider {
        "anthropic" => {
            "Anthropic sends it unasked, in `message_start` and `message_delta`: give it with \
             `usage = |chunk| …` or `llm::anthropic::messages`"
        }
        "aws.bedrock" => {
            "Bedrock sends it unasked, in the event `metadata` behind `messageStop`: give it with \
             `usage = |chunk| …` or `llm::bedrock::converse`"
        }
        "gcp.gemini" | "gcp.vertex_ai" | "gcp.gen_ai" => {
            "Gemini sends it unasked, as `usageMetadata` of the chunks: give it with `usage = |chunk| …` or \
             `llm::gemini::generate_content`"
        }
        "cohere" => {
            "Cohere sends it unasked, in the event `message-end`: give it with `usage = |chunk| …`"
        }
        "mistral_ai" | "perplexity" => {
            "the provider sends it unasked, in the last chunk: give it with `usage = |chunk| …` or \
             `llm::openai::chat`"
        }
        // OpenAI, and those who speak its format.
        _ => {
            "chat completions send it if the request says `\"stream_options\": {\"include_usage\": true}`, responses \
             unasked in `response.completed`: give it with `usage = |chunk| …`, `llm::openai::chat` or \
             `llm::openai::responses`"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_speak_the_format_are_told_to_ask() {
        for provider in ["openai", "azure.ai.openai", "groq", "deepseek", "vllm"] {
            assert!(remedy(provider).contains("include_usage"), "{provider}");
        }
        for provider in [
            "anthropic",
            "aws.bedrock",
            "gcp.gemini",
            "cohere",
            "mistral_ai",
        ] {
            assert!(remedy(provider).contains("unasked, "), "{provider}");
            assert!(!remedy(provider).contains("include_usage"), "{provider}");
        }
    }
}
