//! What can go wrong in a run, each said in one sentence with what to do about it.

use std::fmt;

use async_openai::error::OpenAIError;

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RagError(pub String);

impl RagError {
    /// Says what a failed call to the endpoint means to the user of this program.
    pub fn of_call(url: &str, error: &OpenAIError) -> Self {
        Self(match error {
            OpenAIError::Reqwest(e) if e.is_connect() || e.is_timeout() || e.is_request() => {
                let cause = root_cause(e);
                format!("could not reach the endpoint {url} ({cause}); check OPENAI_BASE_URL")
            }
            OpenAIError::ApiError(e) => {
                let status = e.status_code.as_u16();
                let message = e.api_error.message.trim_end_matches('.');
                if matches!(status, 401 | 403) {
                    format!(
                        "the endpoint {url} refused the key ({status}: {message}); check OPENAI_API_KEY"
                    )
                } else {
                    format!("the endpoint {url} answered {status}: {message}")
                }
            }
            OpenAIError::JSONDeserialize(_, body) => {
                let start: String = body
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect();
                format!(
                    "the endpoint {url} did not answer as the OpenAI API does (\"{start}\"); check OPENAI_BASE_URL"
                )
            }
            other => format!("the call to {url} failed: {other}"),
        })
    }
}

/// The innermost error says what happened ("Connection refused"), the outer ones where.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}

impl fmt::Display for RagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RagError {}
