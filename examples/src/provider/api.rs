//! The two routes of the OpenAI API that the provider speaks: requests in, responses out.
//! <https://platform.openai.com/docs/api-reference/chat>, <…/embeddings>

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, embedding, tokens};

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// Larger requests are refused.
const MAX_REQUEST_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
struct EmbeddingRequest {
    model: String,
    input: Input,
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct ChatRequest {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    max_completion_tokens: Option<usize>,
    max_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Content,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().map(|part| part.text.as_str()).collect(),
        }
    }
}

/// Why a request is refused: status, OpenAI's error code, and a sentence.
struct Refusal(StatusCode, &'static str, String);

pub(super) async fn handle(request: Request<Incoming>, key: &str) -> Response<Body> {
    match route(request, key).await {
        Ok(response) => response,
        Err(Refusal(status, code, message)) => {
            let error = json!({"message": message, "type": "invalid_request_error", "param": null, "code": code});
            json_response(status, &json!({ "error": error }))
        }
    }
}

async fn route(request: Request<Incoming>, key: &str) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let given = head
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match given {
        Some(given) if given == key => {}
        Some("") | None => {
            return Err(Refusal(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "You didn't provide an API key.".into(),
            ));
        }
        Some(_) => {
            return Err(Refusal(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "Incorrect API key provided.".into(),
            ));
        }
    }
    let path = head.uri.path();
    if !matches!(path, "/v1/embeddings" | "/v1/chat/completions") {
        let message = format!("Invalid URL ({} {path})", head.method);
        return Err(Refusal(StatusCode::NOT_FOUND, "unknown_url", message));
    }
    if head.method != Method::POST {
        let message = format!("Not allowed to {} on {path}.", head.method);
        return Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_supported",
            message,
        ));
    }
    let body = Limited::new(body, MAX_REQUEST_BYTES)
        .collect()
        .await
        .map_err(|error| {
            Refusal(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                format!("The request could not be read: {error}."),
            )
        })?;
    let body = body.to_bytes();
    if path == "/v1/embeddings" {
        embeddings(&body)
    } else {
        chat(&body)
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("We could not parse the body of your request: {error}."),
        )
    })
}

fn embeddings(body: &[u8]) -> Result<Response<Body>, Refusal> {
    let request: EmbeddingRequest = parse(body)?;
    let inputs = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let dimensions = request.dimensions.unwrap_or(embedding::DIMENSIONS);
    let too_many = !(1..=embedding::DIMENSIONS).contains(&dimensions);
    if too_many || inputs.is_empty() || inputs.iter().any(String::is_empty) {
        let message = format!(
            "Expected a text that is not empty and 1 to {} dimensions.",
            embedding::DIMENSIONS
        );
        return Err(Refusal(StatusCode::BAD_REQUEST, "invalid_input", message));
    }
    let prompt_tokens: usize = inputs.iter().map(|text| tokens::count(text)).sum();
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"object": "embedding", "index": index, "embedding": embedding::embed(text, dimensions)})
        })
        .collect();
    let usage = json!({"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens});
    let response = json!({"object": "list", "data": data, "model": request.model, "usage": usage});
    Ok(json_response(StatusCode::OK, &response))
}

fn chat(body: &[u8]) -> Result<Response<Body>, Refusal> {
    let request: ChatRequest = parse(body)?;
    let prompt_tokens = tokens::PER_REPLY
        + request
            .messages
            .iter()
            .map(|m| {
                tokens::PER_MESSAGE + tokens::count(&m.role) + tokens::count(&m.content.text())
            })
            .sum::<usize>();
    let prompt: Vec<String> = request
        .messages
        .iter()
        .filter(|m| m.role == "user")
        .map(|m| m.content.text())
        .collect();
    let reply = answer::answer(&prompt.join("\n\n"));
    let limit = request
        .max_completion_tokens
        .or(request.max_tokens)
        .unwrap_or(usize::MAX);
    let pieces: Vec<&str> = tokens::pieces(&reply).take(limit).collect();
    let finish = if tokens::count(&reply) > limit {
        "length"
    } else {
        "stop"
    };
    let usage = json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": pieces.len(),
        "total_tokens": prompt_tokens + pieces.len(),
    });
    let created = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let id = format!("chatcmpl-{created:x}{prompt_tokens:x}{:x}", pieces.len());
    let envelope = |object: &str, choices: Value, usage: Value| {
        json!({"id": id, "object": object, "created": created, "model": request.model,
               "choices": choices, "usage": usage})
    };
    if !request.stream {
        let message = json!({"role": "assistant", "content": pieces.concat(), "refusal": null});
        let choices =
            json!([{"index": 0, "message": message, "finish_reason": finish, "logprobs": null}]);
        return Ok(json_response(
            StatusCode::OK,
            &envelope("chat.completion", choices, usage),
        ));
    }
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        event(&envelope("chat.completion.chunk", choices, Value::Null).to_string())
    };
    let mut events = vec![chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    events.extend(
        pieces
            .iter()
            .map(|piece| chunk(json!({ "content": piece }), Value::Null)),
    );
    events.push(chunk(json!({}), finish.into()));
    if request
        .stream_options
        .is_some_and(|options| options.include_usage)
    {
        // Usage comes last, in a chunk without choices.
        events.push(event(
            &envelope("chat.completion.chunk", json!([]), usage).to_string(),
        ));
    }
    events.push(event("[DONE]"));
    Ok(event_stream(events))
}

fn event(data: &str) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

fn event_stream(events: Vec<Bytes>) -> Response<Body> {
    let frames = events.into_iter().map(|bytes| Ok(Frame::data(bytes)));
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(stream::iter(frames))));
    let kind = hyper::header::HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())).boxed());
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
