//! Who was asked, as the layers of clients see it: on the call's span and in its metrics.

use obs_runtime::interop::reqwest::{attempts, middleware};
use obs_runtime::testing::{Captured, capture_async};
use obs_runtime::{AttributeValue, llm_call};
use obs_tests_provider::{Answer, Asked, Format, Provider, Script, Tokens};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::bill::{MODEL, PROVIDER};
use crate::unpooled;

async fn provider() -> Provider {
    let tokens = Tokens {
        input: 12,
        output: 3,
        ..Tokens::default()
    };
    let script = move |_: &Asked| Script::answer(Answer::new(MODEL, ["So."], tokens));
    Provider::start(script).await.unwrap()
}

fn path() -> String {
    Format::Chat.path(MODEL, false)
}

#[llm_call(provider = PROVIDER, model = MODEL)]
async fn ask(http: &ClientWithMiddleware, urls: &[String]) {
    for url in urls {
        if let Ok(response) = http.post(url).body("{}").send().await {
            response.bytes().await.unwrap();
        }
    }
}

/// The program says it: it knows a name where the layer sees a gateway.
#[llm_call(provider = PROVIDER, model = MODEL, server = "https://models.example/v1")]
async fn ask_named(http: &ClientWithMiddleware, url: &str) {
    let response = http.post(url).body("{}").send().await.unwrap();
    response.bytes().await.unwrap();
}

#[llm_call(provider = PROVIDER, model = MODEL)]
async fn ask_service<S>(service: S, url: String)
where
    S: Service<String, Response = reqwest::Response>,
    S::Error: std::fmt::Debug,
{
    let response = service.oneshot(url).await.unwrap();
    response.bytes().await.unwrap();
}

/// Host and port on the span; the metrics say the same.
#[track_caller]
fn server(captured: &Captured<u16>) -> (String, i64) {
    let [call] = captured
        .spans
        .iter()
        .filter(|span| span.attribute("gen_ai.operation.name").is_some())
        .collect::<Vec<_>>()[..]
    else {
        panic!("{}", captured.tree())
    };
    let (Some(AttributeValue::String(host)), Some(AttributeValue::I64(port))) = (
        call.attribute("server.address"),
        call.attribute("server.port"),
    ) else {
        panic!("{}", captured.tree())
    };
    captured
        .assert_metric("gen_ai.client.inference.duration")
        .labels([
            ("server.address", &**host),
            ("server.port", &*port.to_string()),
        ])
        .count(1);
    (host.to_string(), *port)
}

fn port(url: &str) -> u16 {
    let url: reqwest::Url = url.parse().unwrap();
    url.port_or_known_default().unwrap()
}

fn watched() -> ClientWithMiddleware {
    ClientBuilder::new(unpooled()).with(middleware()).build()
}

#[tokio::test]
async fn a_layer_says_who_was_asked() {
    let captured = capture_async(async {
        let provider = provider().await;
        let url = provider.url();
        ask(&watched(), &[format!("{url}{}", path())]).await;
        port(&url)
    });
    let captured = captured.await;
    let expected = ("127.0.0.1".to_owned(), i64::from(captured.value));
    assert_eq!(server(&captured), expected);
}

#[tokio::test]
async fn who_answered_stands_above_who_did_not() {
    let captured = capture_async(async {
        let provider = provider().await;
        let url = provider.url();
        // Nobody listens at the port that is reserved for nobody; and a tool is no model.
        let nobody = "http://127.0.0.1:1/v1/chat/completions".to_owned();
        let urls = [
            nobody,
            format!("{url}{}", path()),
            "http://127.0.0.1:1/tool".to_owned(),
        ];
        ask(&watched(), &urls).await;
        port(&url)
    });
    let captured = captured.await;
    assert_eq!(server(&captured).1, i64::from(captured.value));
    let captured = capture_async(async {
        ask(&watched(), &["http://[::1]:1/v1/messages".to_owned()]).await;
        1
    });
    // Who could not be reached was asked.
    assert_eq!(server(&captured.await), ("::1".to_owned(), 1));
}

#[tokio::test]
async fn what_the_program_says_stays() {
    let captured = capture_async(async {
        let provider = provider().await;
        ask_named(&watched(), &format!("{}{}", provider.url(), path())).await;
        443
    });
    assert_eq!(server(&captured.await), ("models.example".to_owned(), 443));
}

#[tokio::test]
async fn a_service_whose_requests_hide_it_shows_it_with_the_response() {
    let captured = capture_async(async {
        let provider = provider().await;
        let http = unpooled();
        let service = tower::service_fn(move |url: String| http.post(url).body("{}").send());
        let url = provider.url();
        ask_service(attempts().layer(service), format!("{url}{}", path())).await;
        port(&url)
    });
    let captured = captured.await;
    assert_eq!(server(&captured).1, i64::from(captured.value));
}
