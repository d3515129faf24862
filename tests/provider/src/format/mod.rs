//! From what is answered to the bytes of each format.

mod anthropic;
mod bedrock;
mod gemini;
mod openai;

use serde_json::{Value, json};

use crate::asked::{Asked, Format};
use crate::journal::Tokens;
use crate::script::{Answer, Refusal, Reply, Reports};

/// A response, in the pieces in which it is written.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) chunks: Vec<Chunk>,
    /// Whether the length of the body is not told beforehand.
    pub(crate) streamed: bool,
    /// What is billed when all is written.
    pub(crate) bill: Tokens,
    /// What takes the place of a chunk at which the provider fails.
    pub(crate) failure: Vec<u8>,
}

/// A piece of a body, and what it says of the tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) said: Option<Tokens>,
}

/// The bytes of a reply. A refusal has the form of a format even if none was understood.
pub(crate) fn render(asked: &Asked, reply: &Reply) -> Rendered {
    match reply {
        Reply::Answer(answer) if asked.stream => streamed(asked, answer),
        Reply::Answer(answer) => whole(asked.format, answer),
        Reply::Vectors {
            model,
            vectors,
            tokens,
        } => {
            let body = openai::embeddings(model, vectors, *tokens);
            json_body(200, &body, *tokens, Some(*tokens))
        }
        Reply::Refusal(refusal) => refused(Some(asked.format), refusal),
    }
}

/// The bytes of a refusal.
pub(crate) fn refused(format: Option<Format>, refusal: &Refusal) -> Rendered {
    let body = match format {
        Some(Format::Anthropic) => anthropic::error(refusal),
        Some(Format::Gemini) => gemini::error(refusal),
        Some(Format::Bedrock) => json!({"message": refusal.message}),
        _ => openai::error(refusal),
    };
    let mut rendered = json_body(refusal.status, &body, refusal.billed, None);
    if let Some(when) = &refusal.retry_after {
        rendered.headers.push(("retry-after", when.clone()));
    }
    rendered
}

fn whole(format: Format, answer: &Answer) -> Rendered {
    let report = report(answer, 1.0);
    let body = match format {
        Format::Responses => openai::response(answer, report.value, true),
        Format::Anthropic => anthropic::message(answer, report.value),
        Format::Gemini => gemini::response(answer, &answer.text(), true, report.value),
        Format::Bedrock => bedrock::response(answer, report.value),
        Format::Chat | Format::Embeddings => openai::completion(answer, report.value),
    };
    let mut rendered = json_body(200, &body, answer.tokens, report.said);
    if format == Format::Bedrock {
        rendered
            .headers
            .push(("x-amzn-requestid", answer.id.clone()));
    }
    rendered
}

fn streamed(asked: &Asked, answer: &Answer) -> Rendered {
    let (kind, chunks, failure) = match asked.format {
        Format::Responses => (EVENTS, openai::response_stream(answer), openai::failure()),
        Format::Anthropic => (EVENTS, anthropic::stream(answer), anthropic::failure()),
        Format::Gemini => (EVENTS, gemini::stream(answer), gemini::failure()),
        Format::Bedrock => (
            "application/vnd.amazon.eventstream",
            bedrock::stream(answer),
            bedrock::failure(),
        ),
        Format::Chat | Format::Embeddings => {
            let chunks = openai::completion_stream(answer, asked.wants_usage);
            (EVENTS, chunks, openai::failure())
        }
    };
    let mut headers = vec![("content-type", kind.to_owned())];
    if asked.format == Format::Bedrock {
        headers.push(("x-amzn-requestid", answer.id.clone()));
    }
    Rendered {
        status: 200,
        headers,
        chunks,
        streamed: true,
        bill: answer.tokens,
        failure,
    }
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

fn json_body(status: u16, body: &Value, bill: Tokens, said: Option<Tokens>) -> Rendered {
    Rendered {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        chunks: vec![Chunk {
            bytes: body.to_string().into_bytes(),
            said,
        }],
        streamed: false,
        bill,
        failure: Vec::new(),
    }
}

/// What a chunk reports: the tokens to write down, and what that says truly.
#[derive(Clone, Copy)]
struct Report {
    value: Option<Tokens>,
    said: Option<Tokens>,
}

impl Report {
    const NONE: Self = Self {
        value: None,
        said: None,
    };
}

/// The report of a chunk that has usage, after this share of the output.
fn report(answer: &Answer, share: f64) -> Report {
    match answer.reports {
        Reports::Never => Report::NONE,
        Reports::Zeros => Report {
            value: Some(Tokens::default()),
            said: None,
        },
        _ => {
            let tokens = answer.tokens.after(share);
            Report {
                value: Some(tokens),
                said: Some(tokens),
            }
        }
    }
}

/// What the last chunk says that shows the searches, whether or not it has a usage.
fn with_searches(answer: &Answer, said: Option<Tokens>) -> Option<Tokens> {
    let searches = Tokens {
        web_searches: answer.tokens.web_searches,
        ..Tokens::default()
    };
    if searches == Tokens::default() {
        return said;
    }
    Some(said.unwrap_or_default().max(searches))
}

/// The report of one of `count` chunks that may have usage.
fn report_at(answer: &Answer, at: usize, count: usize) -> Report {
    let (first, last) = (at == 0, at + 1 == count);
    let here = match answer.reports {
        Reports::First => first,
        Reports::Last => last,
        Reports::Both => first || last,
        Reports::Usual | Reports::Every | Reports::Zeros => true,
        Reports::Never => false,
    };
    if !here {
        return Report::NONE;
    }
    let share = if last {
        1.0
    } else {
        at as f64 / (count - 1) as f64
    };
    report(answer, share)
}

/// A chunk of server-sent events; without a name, data alone.
fn event(name: &str, data: &Value, said: Option<Tokens>) -> Chunk {
    let text = if name.is_empty() {
        format!("data: {data}\n\n")
    } else {
        format!("event: {name}\ndata: {data}\n\n")
    };
    Chunk {
        bytes: text.into_bytes(),
        said,
    }
}
