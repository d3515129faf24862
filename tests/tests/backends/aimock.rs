//! What obs says of model calls is what aimock's journal says, chaos included.

use std::collections::BTreeMap;

use obs_runtime::testing::{self, Captured};
use obs_runtime::trace::Outcome;
use obs_runtime::{AttributeValue, llm_call};
use obs_tests::aimock::Aimock;
use obs_tests::http_client;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Value, json};

/// One way to ask: provider, model, path, whether it streams.
type Way = (&'static str, &'static str, &'static str, bool);

const WAYS: [Way; 5] = [
    ("openai", "gpt-4o-mini", "/v1/chat/completions", false),
    ("openai", "gpt-4o", "/v1/chat/completions", true),
    ("openai", "gpt-5-mini", "/v1/responses", false),
    ("anthropic", "claude-haiku-4-5", "/v1/messages", false),
    ("anthropic", "claude-sonnet-4-5", "/v1/messages", true),
];

/// Calls of each way.
const CALLS: u64 = 20;

/// Asks until there is an answer, as clients do.
#[llm_call(provider = way.0, model = way.1)]
async fn ask(
    http: &ClientWithMiddleware,
    url: &str,
    way: Way,
    question: &str,
) -> Result<String, String> {
    let (_, model, path, stream) = way;
    let messages = json!([{"role": "user", "content": question}]);
    let mut body = if path == "/v1/responses" {
        json!({"model": model, "input": question})
    } else {
        json!({"model": model, "messages": messages, "stream": stream})
    };
    match path {
        "/v1/messages" => body["max_tokens"] = 100.into(),
        "/v1/chat/completions" if stream => {
            body["stream_options"] = json!({"include_usage": true});
        }
        _ => {}
    }
    for _ in 0..8 {
        let request = http
            .post(format!("{url}{path}"))
            .header("content-type", "application/json")
            .body(body.to_string());
        let Ok(response) = request.send().await else {
            continue;
        };
        let is_answer = response.status().is_success();
        match response.text().await {
            Ok(text) if is_answer => return Ok(text),
            _ => {}
        }
    }
    Err("no answer".to_owned())
}

/// What one side says of a model: requests, and the tokens of answers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    attempts: u64,
    input: u64,
    output: u64,
}

fn journal(requests: &[Value]) -> BTreeMap<String, Sums> {
    let mut all = BTreeMap::<String, Sums>::new();
    for request in requests {
        let model = request["body"]["model"].as_str().unwrap().to_owned();
        let sums = all.entry(model).or_default();
        sums.attempts += 1;
        let response = &request["response"];
        if response["status"] == 200 && response["chaosAction"].is_null() {
            let usage = &response["fixture"]["response"]["usage"];
            sums.input += usage["prompt_tokens"].as_u64().unwrap();
            sums.output += usage["completion_tokens"].as_u64().unwrap();
        }
    }
    all
}

fn recorded(captured: &Captured<()>) -> BTreeMap<String, Sums> {
    let mut all = BTreeMap::<String, Sums>::new();
    for span in captured
        .spans
        .iter()
        .filter(|span| span.name.starts_with("chat "))
    {
        let number = |key: &str| match span.attribute(key) {
            Some(AttributeValue::I64(number)) => u64::try_from(*number).unwrap(),
            _ => 0,
        };
        let Some(AttributeValue::String(model)) = span.attribute("gen_ai.request.model") else {
            panic!("{span:?}")
        };
        let sums = all.entry(model.clone().into_owned()).or_default();
        sums.attempts += number("obs.llm.attempts").max(1);
        sums.input += number("gen_ai.usage.input_tokens");
        sums.output += number("gen_ai.usage.output_tokens");
    }
    all
}

async fn run(options: &[&str], test: &str) {
    let answer = |n: u64| {
        let (input, output) = (100 + 7 * n, 10 + n);
        let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
        let response = if n % 4 == 3 {
            let calls = json!([{"name": "weather", "arguments": {"place": "Bern"}}]);
            json!({"toolCalls": calls, "usage": usage})
        } else {
            json!({"content": "An answer in several chunks, of which the last one counts.", "usage": usage})
        };
        json!({"match": {"userMessage": format!("question {n:03}")}, "response": response})
    };
    let fixtures: Vec<_> = (0..CALLS).map(answer).collect();
    let Some(aimock) = Aimock::start(test, &json!({"fixtures": fixtures}), options) else {
        return;
    };
    let url = aimock.url();
    let http = ClientBuilder::new(http_client::client())
        .with(obs_runtime::interop::reqwest::middleware())
        .build();
    let captured = testing::capture_async(async {
        for n in 0..CALLS {
            for way in WAYS {
                let _ = ask(&http, &url, way, &format!("question {n:03}")).await;
            }
        }
    })
    .await;
    let calls = captured
        .spans
        .iter()
        .filter(|span| span.name.starts_with("chat "));
    let (calls, failed) = calls.fold((0, 0), |(calls, failed), span| {
        (calls + 1, failed + u64::from(span.outcome != Outcome::Ok))
    });
    assert_eq!(calls, CALLS * WAYS.len() as u64);
    let requests = aimock.journal().await;
    let (theirs, ours) = (journal(&requests), recorded(&captured));
    assert_eq!(ours, theirs, "{failed} of {calls} calls failed");
    for (_, model, _, _) in WAYS {
        let is_limited = |r: &&Value| r["body"]["model"] == model && r["response"]["status"] == 429;
        let limited = requests.iter().filter(is_limited).count();
        if limited > 0 {
            captured
                .assert_metric("obs.llm.rate_limited")
                .labels([("gen_ai.request.model", model)])
                .total(u32::try_from(limited).unwrap());
        }
    }
}

#[tokio::test]
async fn tokens_and_models_are_those_of_the_journal() {
    run(&[], "aimock").await;
}

#[tokio::test]
async fn attempts_and_refusals_are_those_of_the_journal() {
    let chaos = [
        ["--chaos-ratelimit", "0.25"],
        ["--chaos-drop", "0.1"],
        ["--chaos-malformed", "0.1"],
        ["--chaos-disconnect", "0.1"],
    ];
    run(chaos.as_flattened(), "aimock-chaos").await;
}
