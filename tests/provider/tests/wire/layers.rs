//! The layers of clients: they see each attempt, and change nothing on its way.

use obs_runtime::interop::reqwest::{attempts, middleware};
use obs_runtime::llm::LlmTotals;
use obs_runtime::{llm_call, span};
use obs_tests_provider::{Answer, Asked, Format, Provider, Refusal, Script, Tokens};
use reqwest_middleware::ClientBuilder;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::bill::{MODEL, PROVIDER, picodollars};
use crate::{observe, unpooled};

const TOKENS: Tokens = Tokens {
    input: 1_200,
    output: 80,
    cache_read: 1_000,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning: 16,
    web_searches: 0,
};

fn answer() -> Script {
    Script::answer(Answer::new(MODEL, ["It ", "is ", "so."], TOKENS))
}

/// Refuses the first request, breaks at the second, and answers from then on.
async fn moody() -> Provider {
    let asked = AtomicUsize::new(0);
    let script = move |_: &Asked| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => {
            Script::refuse(Refusal::new(429, "rate_limit_exceeded", "Slow down.").retry_after("7"))
        }
        1 => Script::refuse(Refusal::new(503, "overloaded", "Come back.")),
        _ => answer(),
    };
    Provider::start(script).await.unwrap()
}

fn body(stream: bool) -> String {
    let options = r#","stream":true,"stream_options":{"include_usage":true}"#;
    let options = if stream { options } else { "" };
    format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"why?"}}]{options}}}"#)
}

/// A client that knows nothing of obs, and asks until it is answered.
#[llm_call(provider = PROVIDER, model = MODEL)]
async fn ask<S>(service: S, http: &reqwest::Client, url: &str, stream: bool) -> Vec<u8>
where
    S: Service<reqwest::Request, Response = reqwest::Response> + Clone,
    S::Error: std::fmt::Debug,
{
    loop {
        let request = http.post(url).body(body(stream)).build().unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        if response.status().is_success() {
            return response.bytes().await.unwrap().to_vec();
        }
    }
}

/// What a model call under a span of its own cost.
async fn totals<T>(call: impl Future<Output = T>) -> (T, LlmTotals) {
    observe();
    let span = span!("around");
    let trace = span.context().unwrap().trace_id();
    let value = span.instrument(call).await;
    (value, LlmTotals::for_trace(trace).unwrap())
}

#[tokio::test]
async fn a_tower_layer_sees_each_attempt_and_what_the_answer_says() {
    for stream in [false, true] {
        let provider = moody().await;
        let http = unpooled();
        let url = format!("{}{}", provider.url(), Format::Chat.path(MODEL, stream));
        let service = attempts().layer(http.clone());
        let (body, totals) = totals(ask(service, &http, &url, stream)).await;
        assert!(!body.is_empty());
        assert_eq!(totals.attempts, 3);
        assert_eq!(
            totals.cost.at_least.picodollars(),
            picodollars(TOKENS, MODEL, None)
        );
        // What the broken one cost is not known.
        assert_eq!(totals.cost.at_most, None);
        let billed = provider.settle().await.unwrap();
        assert_eq!(billed.len(), 3);
    }
}

#[tokio::test]
async fn what_passes_a_layer_is_what_passes_without_it() {
    let provider = Provider::start(|_: &Asked| answer()).await.unwrap();
    let plain = unpooled();
    let watched = ClientBuilder::new(plain.clone()).with(middleware()).build();
    for stream in [false, true] {
        let url = format!("{}{}", provider.url(), Format::Chat.path(MODEL, stream));
        let bare = plain.post(&url).body(body(stream)).send().await.unwrap();
        let request = watched.post(&url).body(body(stream));
        let ((), totals) = totals(compare(bare, request)).await;
        assert_eq!(
            totals.cost.exact().unwrap().picodollars(),
            picodollars(TOKENS, MODEL, None)
        );
        let [bare, watched] = &provider.settle().await.unwrap()[..] else {
            panic!("two requests");
        };
        assert_eq!(bare.request, watched.request);
    }
}

#[llm_call(provider = PROVIDER, model = MODEL)]
async fn compare(bare: reqwest::Response, request: reqwest_middleware::RequestBuilder) {
    let response = request.send().await.unwrap();
    assert_eq!(response.url(), bare.url());
    assert_eq!(response.status(), bare.status());
    assert_eq!(response.headers(), bare.headers());
    assert_eq!(response.version(), bare.version());
    assert_eq!(response.content_length(), bare.content_length());
    assert_eq!(response.remote_addr(), bare.remote_addr());
    assert_eq!(response.bytes().await.unwrap(), bare.bytes().await.unwrap());
}

#[tokio::test]
async fn a_request_that_found_nobody_is_free() {
    #[llm_call(provider = PROVIDER, model = MODEL)]
    async fn nobody(http: &reqwest_middleware::ClientWithMiddleware) -> bool {
        // Nobody listens at the port that is reserved for nobody.
        http.post("http://127.0.0.1:1/v1/chat/completions")
            .send()
            .await
            .is_err()
    }
    let http = ClientBuilder::new(unpooled()).with(middleware()).build();
    let (failed, totals) = totals(nobody(&http)).await;
    assert!(failed);
    assert_eq!(totals.cost.to_string(), "$0.00");
}

// bug: the tower layer did not say that a request had found nobody.
#[tokio::test]
async fn a_request_of_a_service_that_found_nobody_is_free() {
    #[llm_call(provider = PROVIDER, model = MODEL)]
    async fn nobody<S>(service: S, http: &reqwest::Client) -> bool
    where
        S: Service<reqwest::Request, Response = reqwest::Response>,
    {
        let request = http.post("http://127.0.0.1:1/v1/chat/completions").build();
        service.oneshot(request.unwrap()).await.is_err()
    }
    let http = unpooled();
    let plain = attempts().layer(http.clone());
    let (failed, told) = totals(nobody(plain, &http)).await;
    assert!(failed);
    assert_eq!(told.cost.to_string(), "$0.00");
    // The error of the service is another, and has reqwest's among its causes.
    let inner = http.clone();
    let boxed = tower::service_fn(move |request: reqwest::Request| {
        let inner = inner.clone();
        async move {
            let answer = inner.oneshot(request).await;
            answer.map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        }
    });
    let (failed, told) = totals(nobody(attempts().layer(boxed), &http)).await;
    assert!(failed);
    assert_eq!(told.cost.to_string(), "$0.00");
}

// bug: whatever a client asked inside of a call was an attempt of the call.
#[tokio::test]
async fn only_requests_to_models_are_attempts() {
    #[llm_call(provider = PROVIDER, model = MODEL)]
    async fn with_errands(http: &reqwest_middleware::ClientWithMiddleware, url: &str) {
        for path in ["/v1/models", "/tools/weather"] {
            let request = http.get(format!("{url}{path}"));
            request.send().await.unwrap().bytes().await.unwrap();
        }
        let token = http.post(format!("{url}/oauth/token")).body("{}");
        token.send().await.unwrap().bytes().await.unwrap();
        let chat = format!("{url}{}", Format::Chat.path(MODEL, false));
        let answer = http.post(chat).body(body(false)).send().await.unwrap();
        answer.bytes().await.unwrap();
    }
    let provider = Provider::start(|_: &Asked| answer()).await.unwrap();
    let http = ClientBuilder::new(unpooled()).with(middleware()).build();
    let ((), told) = totals(with_errands(&http, &provider.url())).await;
    assert_eq!(told.attempts, 1);
    assert_eq!(
        told.cost.exact().unwrap().picodollars(),
        picodollars(TOKENS, MODEL, None)
    );
    assert_eq!(provider.settle().await.unwrap().len(), 4);
}

/// Answers as a model does, at a path that nobody knows.
#[tokio::test]
async fn a_model_behind_an_unknown_path_is_known_by_its_answer_or_by_its_server() {
    #[llm_call(provider = PROVIDER, model = MODEL)]
    async fn gateway(
        http: &reqwest_middleware::ClientWithMiddleware,
        url: &str,
        server: Option<&str>,
    ) {
        if let Some(server) = server {
            obs_runtime::llm::asked(
                obs_runtime::llm::Request::new().server(server.to_owned(), None),
            );
        }
        let answer = http.post(url).body(body(false)).send().await.unwrap();
        answer.bytes().await.unwrap();
    }
    let provider = Provider::start(|_: &Asked| answer()).await.unwrap();
    // A proxy that rewrites the path.
    let to = Format::Chat.path(MODEL, false);
    let gate = rewriting(provider.url(), to).await;
    let http = ClientBuilder::new(unpooled()).with(middleware()).build();
    for server in [None, Some("127.0.0.1")] {
        let ((), told) = totals(gateway(&http, &format!("{gate}/gate/ask"), server)).await;
        assert_eq!(
            (told.attempts, told.cost.is_exact()),
            (1, true),
            "{server:?}"
        );
    }
}

/// A server that passes each request on to a path of another.
async fn rewriting(to: String, path: String) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = to.trim_start_matches("http://").to_owned();
            let mut server = tokio::net::TcpStream::connect(server).await.unwrap();
            let mut head = Vec::new();
            while !head.contains(&b'\n') {
                client.read_buf(&mut head).await.unwrap();
            }
            let text = String::from_utf8(head).unwrap();
            let text = text.replacen("/gate/ask", &path, 1);
            server.write_all(text.as_bytes()).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    });
    format!("http://{address}")
}
