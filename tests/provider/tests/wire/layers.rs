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
