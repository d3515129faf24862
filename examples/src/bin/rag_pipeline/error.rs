//! What can go wrong in a run, each said in one sentence with what to do about it.

use std::fmt;

use async_openai::error::OpenAIError;

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RagError {
    /// No file of the folder could be read as text.
    NoText(String),
    /// The endpoint could not be reached.
    Unreachable(String),
    /// The endpoint refused the key.
    WrongKey(String),
    /// The endpoint answered with an error, or with something else than was asked for.
    Endpoint(String),
    /// `--fail` asked for it.
    Asked(String),
}

impl RagError {
    /// Says what a failed call to the endpoint means to the user of this program.
    pub fn of_call(base_url: &str, error: &OpenAIError) -> Self {
        match error {
            OpenAIError::Reqwest(e) if e.is_connect() || e.is_timeout() || e.is_request() => {
                Self::Unreachable(format!(
                    "could not reach the endpoint {base_url} ({}); check OPENAI_BASE_URL",
                    root_cause(e)
                ))
            }
            OpenAIError::ApiError(e) if matches!(e.status_code.as_u16(), 401 | 403) => {
                Self::WrongKey(format!(
                    "the endpoint {base_url} refused the key ({}: {}); check OPENAI_API_KEY",
                    e.status_code.as_u16(),
                    e.api_error.message.trim_end_matches('.')
                ))
            }
            OpenAIError::ApiError(e) => Self::Endpoint(format!(
                "the endpoint {base_url} answered {}: {}",
                e.status_code.as_u16(),
                e.api_error.message.trim_end_matches('.')
            )),
            OpenAIError::JSONDeserialize(_, body) => Self::Endpoint(format!(
                "the endpoint {base_url} did not answer as the OpenAI API does (\"{}\"); check OPENAI_BASE_URL",
                body.lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect::<String>()
            )),
            other => Self::Endpoint(format!("the call to {base_url} failed: {other}")),
        }
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
        match self {
            Self::NoText(why)
            | Self::Unreachable(why)
            | Self::WrongKey(why)
            | Self::Endpoint(why) => f.write_str(why),
            Self::Asked(task) => write!(f, "--fail {task} asked for it"),
        }
    }
}

impl std::error::Error for RagError {}
