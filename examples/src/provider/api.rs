//! The two routes of the OpenAI API that the provider speaks: requests in, responses out.
//! <https://platform.openai.com/docs/api-reference/chat>, <…/embeddings>

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, embedding, tokens};

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
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
}

/// Why a request is refused: status, OpenAI's error code, and a sentence.
struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let error = json!({"message": message, "type": "invalid_request_error", "param": null, "code": code});
        (status, json_response(&json!({ "error": error }))).into_response()
    }
}

/// The routes, for clients that send this key.
pub(super) fn router(key: &str) -> Router {
    Router::new()
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/chat/completions", post(chat))
        .method_not_allowed_fallback(wrong_method)
        .fallback(wrong_path)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(middleware::from_fn_with_state(Arc::from(key), check_key))
}

async fn check_key(State(key): State<Arc<str>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION);
    let given = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let message = match given {
        Some(given) if *given == *key => return next.run(request).await,
        Some("") | None => "You didn't provide an API key.",
        Some(_) => "Incorrect API key provided.",
    };
    Refusal(StatusCode::UNAUTHORIZED, "invalid_api_key", message.into()).into_response()
}

async fn wrong_path(method: Method, uri: Uri) -> Refusal {
    let message = format!("Invalid URL ({method} {})", uri.path());
    Refusal(StatusCode::NOT_FOUND, "unknown_url", message)
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let message = format!("Not allowed to {method} on {}.", uri.path());
    Refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_supported",
        message,
    )
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("We could not parse the body of your request: {error}.");
        Refusal(StatusCode::BAD_REQUEST, "invalid_json", message)
    })
}

async fn embeddings(body: Bytes) -> Result<Response, Refusal> {
    let request: EmbeddingRequest = parse(&body)?;
    let inputs = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let most = embedding::DIMENSIONS;
    let dimensions = request.dimensions.unwrap_or(most);
    let is_valid = (1..=most).contains(&dimensions);
    if !is_valid || inputs.is_empty() || inputs.iter().any(String::is_empty) {
        let message = format!("Expected a text that is not empty and 1 to {most} dimensions.");
        return Err(Refusal(StatusCode::BAD_REQUEST, "invalid_input", message));
    }
    let prompt_tokens: usize = inputs.iter().map(|text| tokens::count(text)).sum();
    let embedded = |(index, text): (usize, &String)| json!({"object": "embedding", "index": index, "embedding": embedding::embed(text, dimensions)});
    let data: Vec<Value> = inputs.iter().enumerate().map(embedded).collect();
    let usage = json!({"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens});
    Ok(json_response(
        &json!({"object": "list", "data": data, "model": request.model, "usage": usage}),
    ))
}

async fn chat(body: Bytes) -> Result<Response, Refusal> {
    let request: ChatRequest = parse(&body)?;
    let framed =
        |m: &Message| tokens::PER_MESSAGE + tokens::count(&m.role) + tokens::count(&m.content);
    let prompt_tokens = tokens::PER_REPLY + request.messages.iter().map(framed).sum::<usize>();
    let asked = request.messages.iter().filter(|m| m.role == "user");
    let prompt: Vec<&str> = asked.map(|m| m.content.as_str()).collect();
    let reply = answer::answer(&prompt.join("\n\n"));
    let limit = request.max_completion_tokens.unwrap_or(usize::MAX);
    let pieces: Vec<&str> = tokens::pieces(&reply).take(limit).collect();
    let is_cut = tokens::count(&reply) > limit;
    let finish = if is_cut { "length" } else { "stop" };
    let usage = json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": pieces.len(),
        "total_tokens": prompt_tokens + pieces.len(),
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let created = now.map_or(0, |now| now.as_secs());
    let id = format!("chatcmpl-{created:x}{prompt_tokens:x}{:x}", pieces.len());
    let envelope = |object: &str, choices: Value, usage: Value| {
        json!({"id": id, "object": object, "created": created, "model": request.model,
               "choices": choices, "usage": usage})
    };
    if !request.stream {
        let message = json!({"role": "assistant", "content": pieces.concat(), "refusal": null});
        let choices =
            json!([{"index": 0, "message": message, "finish_reason": finish, "logprobs": null}]);
        return Ok(json_response(&envelope("chat.completion", choices, usage)));
    }
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        envelope("chat.completion.chunk", choices, Value::Null).to_string()
    };
    let opening = json!({"role": "assistant", "content": ""});
    let mut events = vec![chunk(opening, Value::Null)];
    events.extend(
        pieces
            .iter()
            .map(|p| chunk(json!({ "content": p }), Value::Null)),
    );
    events.push(chunk(json!({}), finish.into()));
    if request.stream_options.is_some_and(|o| o.include_usage) {
        // Usage comes last, in a chunk without choices.
        events.push(envelope("chat.completion.chunk", json!([]), usage).to_string());
    }
    events.push("[DONE]".to_owned());
    Ok(event_stream(events))
}

fn event_stream(events: Vec<String>) -> Response {
    let frames = events
        .into_iter()
        .map(|data| Ok::<_, Infallible>(format!("data: {data}\n\n")));
    let kind = [(CONTENT_TYPE, "text/event-stream; charset=utf-8")];
    (kind, Body::from_stream(stream::iter(frames))).into_response()
}

fn json_response(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
