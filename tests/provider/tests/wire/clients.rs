//! Clients as programs have them: what they tell of an answer, and where they fail.

use std::future::Future;

use futures_util::stream::{self, Stream};
use obs_runtime::interop::reqwest::attempts;
use obs_runtime::llm::{self, IntoUsage as _, Stalled};
use obs_runtime::llm_call;
use obs_tests_provider::Format;
use reqwest_middleware::ClientWithMiddleware;
use serde_json::Value;
use tower::{Layer as _, ServiceExt as _};

use crate::bill::{MODEL, PROVIDER};

/// The text of the panics of the cases.
pub(crate) const PANIC: &str = "the client cannot go on";

/// What a client asks for, and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) format: Format,
    pub(crate) url: String,
    pub(crate) body: String,
    /// How the program ends after the answer has come.
    pub(crate) fate: Fate,
    /// How many requests it makes at most, if they are refused or fail.
    pub(crate) attempts: u32,
    /// After how many events it stops reading a stream.
    pub(crate) reads: usize,
    /// Whether it says what bounds its requests, and whether these let the provider search.
    pub(crate) bounds: Option<bool>,
    /// What it guesses that a request uses.
    pub(crate) guess: Option<(u64, u64)>,
    /// What else it asks of the same server: a list of models, a token.
    pub(crate) errands: u32,
}

/// No request of the cases puts out more, or has more input.
pub(crate) const MAX_TOKENS: [u64; 2] = [90_000, 6_000];

/// Says what bounds the request, and what it may use.
fn announce(plan: &Plan) {
    if let Some(searches) = plan.bounds {
        let [input, output] = MAX_TOKENS;
        let request = llm::Request::new()
            .max_input_tokens(input)
            .max_tokens(output);
        llm::asked(request.server_tools(searches));
    }
    if let Some(guess) = plan.guess {
        llm::answered(llm::Usage::from(guess).counted());
    }
}

/// What a program makes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Returns,
    /// Its own parser refuses the answer.
    DoesNotUnderstand,
    Panics,
}

/// Why a client gave up.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Option<u16>,
    /// Nothing came any more.
    pub(crate) stalled: Option<Stalled>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no answer: {:?}", self.status)
    }
}

impl std::error::Error for Failure {}

impl From<reqwest::Error> for Failure {
    fn from(_: reqwest::Error) -> Self {
        Self::of(None)
    }
}

impl From<Stalled> for Failure {
    fn from(stalled: Stalled) -> Self {
        Self {
            status: None,
            stalled: Some(stalled),
        }
    }
}

impl Failure {
    fn of(status: Option<u16>) -> Self {
        Self {
            status,
            stalled: None,
        }
    }

    /// The provider says that it did not work on the request.
    fn is_refusal(&self) -> bool {
        self.status == Some(429)
    }
}

async fn send(http: &reqwest::Client, plan: &Plan) -> Result<reqwest::Response, reqwest::Error> {
    let request = http
        .post(&plan.url)
        .header("x-case", "1")
        .body(plan.body.clone());
    request.send().await
}

fn ok(response: reqwest::Response) -> Result<reqwest::Response, Failure> {
    if response.status().is_success() {
        Ok(response)
    } else {
        let status = Some(response.status().as_u16());
        Err(Failure::of(status))
    }
}

fn end<T>(fate: Fate, value: T) -> Result<T, Failure> {
    match fate {
        Fate::Returns => Ok(value),
        Fate::DoesNotUnderstand => Err(Failure::of(None)),
        Fate::Panics => panic!("{PANIC}"),
    }
}

/// Tells of the answer as soon as it is there.
#[llm_call(provider = PROVIDER, model = MODEL, refused = |error: &Failure| error.is_refusal())]
pub(crate) async fn tells_at_once(http: &reqwest::Client, plan: &Plan) -> Result<(), Failure> {
    announce(plan);
    let body = ok(send(http, plan).await?)?.bytes().await?;
    llm::answered(&*body);
    end(plan.fate, ())
}

/// Says in its value what it used: what fails before is not known.
#[llm_call(
    provider = PROVIDER,
    model = MODEL,
    usage = |body: &Vec<u8>| body.as_slice().into_llm_response(),
    refused = |error: &Failure| error.is_refusal()
)]
pub(crate) async fn tells_in_its_value(
    http: &reqwest::Client,
    plan: &Plan,
) -> Result<Vec<u8>, Failure> {
    announce(plan);
    let body = ok(send(http, plan).await?)?.bytes().await?;
    end(plan.fate, body.to_vec())
}

/// Repeats what is refused or fails, and tells of each attempt, whole or event by event.
#[llm_call(provider = PROVIDER, model = MODEL)]
pub(crate) async fn repeats(http: &reqwest::Client, plan: &Plan) -> Result<(), Failure> {
    announce(plan);
    for _ in 0..plan.attempts {
        let attempt = llm::attempt("client");
        let Ok(mut response) = send(http, plan).await else {
            continue;
        };
        attempt.status(response.status().as_u16(), None);
        if !response.status().is_success() {
            continue;
        }
        let mut events = Events::new(plan.format);
        let mut read = 0;
        let whole = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    for event in events.take(&bytes) {
                        attempt.answered(&event);
                        read += 1;
                        if read == plan.reads {
                            return end(plan.fate, ());
                        }
                    }
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if whole {
            attempt.answered(&*events.rest);
            return end(plan.fate, ());
        }
    }
    Err(Failure::of(None))
}

/// Says nothing at all: a layer of the client sees the requests and their answers.
#[llm_call(provider = PROVIDER, model = MODEL)]
pub(crate) async fn is_watched(http: &ClientWithMiddleware, plan: &Plan) -> Result<(), Failure> {
    announce(plan);
    'attempts: for _ in 0..plan.attempts {
        errands(http, plan).await;
        let request = http
            .post(&plan.url)
            .header("x-case", "1")
            .body(plan.body.clone());
        let Ok(mut response) = request.send().await else {
            continue;
        };
        if !response.status().is_success() {
            continue;
        }
        let mut read = 0;
        loop {
            match response.chunk().await {
                Ok(Some(_)) => read += 1,
                Ok(None) => return end(plan.fate, ()),
                Err(_) => continue 'attempts,
            }
            if read == plan.reads {
                return end(plan.fate, ());
            }
        }
    }
    Err(Failure::of(None))
}

/// Asks the same server for something else, with the same client.
async fn errands(http: &ClientWithMiddleware, plan: &Plan) {
    let server = plan.url.split('/').take(3).collect::<Vec<_>>().join("/");
    for at in 0..plan.errands {
        let request = match at {
            0 => http.get(format!("{server}/v1/models")),
            _ => http.post(format!("{server}/oauth/token")).body("{}"),
        };
        if let Ok(response) = request.send().await {
            let _ = response.bytes().await;
        }
    }
}

/// Makes two requests at once, and tells of each event of both: who reads the events does not say whose they are.
#[llm_call(provider = PROVIDER, model = MODEL)]
pub(crate) async fn interleaves(http: &ClientWithMiddleware, plan: &Plan) -> Result<(), Failure> {
    announce(plan);
    let one = || async {
        let request = http.post(&plan.url).body(plan.body.clone());
        let Ok(mut response) = request.send().await else {
            return;
        };
        let mut events = Events::new(plan.format);
        while let Ok(Some(bytes)) = response.chunk().await {
            for event in events.take(&bytes) {
                llm::answered(&event);
            }
        }
    };
    tokio::join!(one(), one());
    end(plan.fate, ())
}

/// Makes two requests at once through two layers within each other.
#[llm_call(provider = PROVIDER, model = MODEL)]
pub(crate) async fn nests(http: &ClientWithMiddleware, plan: &Plan) -> Result<(), Failure> {
    announce(plan);
    let inner = tower::service_fn(|request: reqwest::Request| {
        let http = http.clone();
        async move {
            // Whoever is first at the outer layer need not be first at the inner one.
            tokio::task::yield_now().await;
            http.execute(request).await
        }
    });
    let service = attempts().layer(inner);
    let one = || async {
        let request = http.post(&plan.url).body(plan.body.clone()).build();
        let Ok(mut response) = service.clone().oneshot(request.expect("a request")).await else {
            return;
        };
        while let Ok(Some(_)) = response.chunk().await {}
    };
    tokio::join!(one(), one());
    end(plan.fate, ())
}

/// A stream of events, of which each says what it knows.
#[llm_call(provider = PROVIDER, model = MODEL, stream, usage = |event: &Value| event.into_llm_response())]
pub(crate) fn streams(
    http: &reqwest::Client,
    plan: &Plan,
) -> impl Stream<Item = Result<Value, Failure>> + use<> {
    events(http, plan)
}

/// The events of a stream, from the sending of the request on.
pub(crate) fn events(
    http: &reqwest::Client,
    plan: &Plan,
) -> impl Stream<Item = Result<Value, Failure>> + use<> {
    struct State {
        response: Option<reqwest::Response>,
        events: Events,
        ready: std::collections::VecDeque<Value>,
        over: bool,
    }
    announce(plan);
    let (http, plan) = (http.clone(), plan.clone());
    let state = State {
        response: None,
        events: Events::new(plan.format),
        ready: std::collections::VecDeque::new(),
        over: false,
    };
    let next = move |mut state: State| {
        let (http, plan) = (http.clone(), plan.clone());
        async move {
            loop {
                if let Some(event) = state.ready.pop_front() {
                    if event.get("error").is_some() {
                        state.over = true;
                        return Ok(Some((Err(Failure::of(None)), state)));
                    }
                    return Ok(Some((Ok(event), state)));
                }
                if state.over {
                    return Ok(None);
                }
                let read = match &mut state.response {
                    Some(response) => response.chunk().await.map_err(Failure::from),
                    None => match send(&http, &plan).await.map_err(Failure::from).and_then(ok) {
                        Ok(response) => {
                            state.response = Some(response);
                            continue;
                        }
                        Err(failure) => Err(failure),
                    },
                };
                match read {
                    Ok(Some(bytes)) => state.ready.extend(state.events.take(&bytes)),
                    Ok(None) => state.over = true,
                    Err(failure) => {
                        state.over = true;
                        return Ok(Some((Err(failure), state)));
                    }
                }
            }
        }
    };
    flatten(stream::try_unfold(state, next))
}

/// The errors of the items, not of the stream.
fn flatten<S>(stream: S) -> impl Stream<Item = Result<Value, Failure>>
where
    S: Stream<Item = Result<Result<Value, Failure>, Failure>>,
{
    use futures_util::StreamExt as _;
    stream.map(|item| item.and_then(|item| item))
}

/// Takes a body apart into the JSON of its events; what is no stream stays as it is.
struct Events {
    format: Format,
    rest: Vec<u8>,
}

impl Events {
    fn new(format: Format) -> Self {
        Self {
            format,
            rest: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Value> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some((event, length)) = self.next() {
            self.rest.drain(..length);
            events.extend(event);
        }
        events
    }

    /// The first event that is complete, and its length; no JSON is none.
    fn next(&self) -> Option<(Option<Value>, usize)> {
        if self.rest.starts_with(b"{") {
            return None;
        }
        if self.format == Format::Bedrock {
            let number = |at: usize| {
                let bytes = self.rest.get(at..at + 4)?;
                Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
            };
            let (total, headers) = (number(0)?, number(4)?);
            let frame = self.rest.get(..total)?;
            let payload = frame.get(12 + headers..total - 4)?;
            return Some((serde_json::from_slice(payload).ok(), total));
        }
        let length = self.rest.windows(2).position(|two| two == b"\n\n")? + 2;
        let text = std::str::from_utf8(&self.rest[..length]).ok()?;
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        Some((
            data.and_then(|data| serde_json::from_str(data).ok()),
            length,
        ))
    }
}

/// Polls a future so many times, whether or not something has come, and drops it if it has not ended by then.
pub(crate) async fn abandon<F: Future>(future: F, mut polls: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending if polls == 0 => std::task::Poll::Ready(None),
        std::task::Poll::Pending => {
            polls -= 1;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    })
    .await
}
