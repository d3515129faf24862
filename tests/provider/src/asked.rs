//! What a client asks for, whichever format it speaks.

use serde_json::Value;

use crate::script::Refusal;

/// A wire format, by what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/messages`
    Anthropic,
    /// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`
    Gemini,
    /// `POST /model/{model}/converse` and `/converse-stream`
    Bedrock,
}

impl Format {
    /// Those that answer with a text.
    pub const OF_TEXT: [Self; 5] = [
        Self::Chat,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Bedrock,
    ];

    /// The path to ask for an answer of a model.
    pub fn path(self, model: &str, stream: bool) -> String {
        match (self, stream) {
            (Self::Chat, _) => "/v1/chat/completions".to_owned(),
            (Self::Responses, _) => "/v1/responses".to_owned(),
            (Self::Embeddings, _) => "/v1/embeddings".to_owned(),
            (Self::Anthropic, _) => "/v1/messages".to_owned(),
            (Self::Gemini, false) => format!("/v1beta/models/{model}:generateContent"),
            (Self::Gemini, true) => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            (Self::Bedrock, false) => format!("/model/{model}/converse"),
            (Self::Bedrock, true) => format!("/model/{model}/converse-stream"),
        }
    }

    /// The format that a path belongs to, with what the path says of the request.
    fn of(path: &str) -> Option<(Self, Option<&str>, bool)> {
        let path = path.split('?').next().unwrap_or_default();
        if let Some(rest) = path.strip_prefix("/v1beta/models/") {
            let (model, method) = rest.rsplit_once(':')?;
            let stream = match method {
                "generateContent" => false,
                "streamGenerateContent" => true,
                _ => return None,
            };
            return Some((Self::Gemini, Some(model), stream));
        }
        if let Some(rest) = path.strip_prefix("/model/") {
            let (model, method) = rest.rsplit_once('/')?;
            let stream = match method {
                "converse" => false,
                "converse-stream" => true,
                _ => return None,
            };
            return Some((Self::Bedrock, Some(model), stream));
        }
        let format = match path {
            "/v1/chat/completions" => Self::Chat,
            "/v1/responses" => Self::Responses,
            "/v1/embeddings" => Self::Embeddings,
            "/v1/messages" => Self::Anthropic,
            _ => return None,
        };
        Some((format, None, false))
    }
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The key in the header `authorization`, for those who carry it as a bearer.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The format that the path belongs to.
    pub fn format(&self) -> Option<Format> {
        Format::of(&self.path).map(|(format, ..)| format)
    }
}

/// A message of a conversation, or a text to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it; empty for a text to embed.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The head of the request.
    pub head: Head,
    /// The format.
    pub format: Format,
    /// The model.
    pub model: String,
    /// Whether the answer is to be a stream.
    pub stream: bool,
    /// Whether a stream is to say its usage; only chat completions have the choice.
    pub wants_usage: bool,
    /// The most tokens that may be put out.
    pub max_output: Option<u64>,
    /// How many numbers a vector shall have.
    pub dimensions: Option<u64>,
    /// The conversation, or the texts to embed.
    pub messages: Vec<Message>,
}

impl Asked {
    /// A request for an answer of a model, of which no more is said, but that wants its usage.
    pub(crate) fn new(format: Format, model: &str, stream: bool) -> Self {
        Self {
            head: Head {
                method: "POST".to_owned(),
                path: format.path(model, stream),
                headers: Vec::new(),
            },
            format,
            model: model.to_owned(),
            stream,
            wants_usage: true,
            max_output: None,
            dimensions: None,
            messages: Vec::new(),
        }
    }

    pub(crate) fn read(head: Head, body: &[u8]) -> Result<Self, Box<Refusal>> {
        let Some((format, model, stream)) = Format::of(&head.path) else {
            let path = head.path.split('?').next().unwrap_or_default();
            let message = format!("Invalid URL ({} {path})", head.method);
            return Err(Box::new(Refusal::new(404, "unknown_url", message)));
        };
        if head.method != "POST" {
            let path = head.path.split('?').next().unwrap_or_default();
            let message = format!("Not allowed to {} on {path}.", head.method);
            return Err(Box::new(Refusal::new(405, "method_not_supported", message)));
        }
        let invalid = |what: &dyn std::fmt::Display| {
            let message = format!("We could not parse the body of your request: {what}.");
            Box::new(Refusal::new(400, "invalid_json", message))
        };
        let body: Value = serde_json::from_slice(body).map_err(|error| invalid(&error))?;
        let of_body = body["model"].as_str();
        let Some(model) = model.or(of_body).map(str::to_owned) else {
            return Err(invalid(&"the model is missing"));
        };
        let messages = messages(format, &body);
        let Some(messages) = messages else {
            return Err(invalid(&"there is nothing to answer"));
        };
        let limits = [
            "/max_completion_tokens",
            "/max_tokens",
            "/max_output_tokens",
            "/generationConfig/maxOutputTokens",
            "/inferenceConfig/maxTokens",
        ];
        Ok(Self {
            format,
            model,
            stream: stream || body["stream"] == true,
            wants_usage: format != Format::Chat || body["stream_options"]["include_usage"] == true,
            max_output: limits.iter().find_map(|at| body.pointer(at)?.as_u64()),
            dimensions: body["dimensions"].as_u64(),
            messages,
            head,
        })
    }
}

/// The conversation of a request; `None` if it has none.
fn messages(format: Format, body: &Value) -> Option<Vec<Message>> {
    let list = match format {
        Format::Chat | Format::Anthropic | Format::Bedrock => &body["messages"],
        Format::Responses | Format::Embeddings => &body["input"],
        Format::Gemini => &body["contents"],
    };
    let one = |item: &Value| Message {
        role: item["role"].as_str().unwrap_or_default().to_owned(),
        content: text(item),
    };
    match list {
        Value::String(text) => Some(vec![Message {
            role: String::new(),
            content: text.clone(),
        }]),
        Value::Array(items) => Some(items.iter().map(one).collect()),
        _ => None,
    }
}

/// The text of a message: a string, or the texts of its parts.
fn text(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect(),
        Value::Object(object) => ["content", "parts", "text"]
            .iter()
            .find_map(|key| object.get(*key))
            .map(text)
            .unwrap_or_default(),
        _ => String::new(),
    }
}
