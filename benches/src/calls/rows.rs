//! The rows: what a call reports, from nothing to three attempts.

use std::hint::black_box;

use obs_benches::executor::block_on;
use obs_benches::harness::{Row, Variant};
use obs_benches::installed::{drain, ensure};
use obs_runtime::llm::{LlmResponse, Usage, answered, attempt};
use obs_runtime::{llm_call, traced};

const MODEL: &str = "gpt-4o-mini";

/// What a client gives.
struct Answer {
    model: &'static str,
    id: &'static str,
    tokens: (u64, u64, u64),
}

#[inline(never)]
fn answer(x: u64) -> Answer {
    Answer {
        model: "gpt-4o-mini-2024-07-18",
        id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        tokens: (1_000 + x % 7, 80, 900),
    }
}

#[inline(never)]
#[traced(name = "chat gpt-4o-mini", kind = "client")]
fn traced_call(x: u64) -> Answer {
    answer(x)
}

#[traced(name = "chat gpt-4o-mini", kind = "client")]
async fn traced_async(x: u64) -> Answer {
    answer(x)
}

#[inline(never)]
#[llm_call(provider = "openai", model = MODEL)]
fn silent(x: u64) -> Answer {
    answer(x)
}

#[inline(never)]
#[llm_call(provider = "openai", model = MODEL, usage = |out| (out.tokens.0, out.tokens.1))]
fn pair(x: u64) -> Answer {
    answer(x)
}

#[llm_call(provider = "openai", model = MODEL, usage = |out| (out.tokens.0, out.tokens.1))]
async fn pair_async(x: u64) -> Answer {
    answer(x)
}

fn whole(out: &Answer) -> LlmResponse {
    LlmResponse::new()
        .usage(Usage::new(out.tokens.0, out.tokens.1).cache_read(out.tokens.2))
        .model(out.model)
        .id(out.id)
        .finish_reason("stop")
}

#[inline(never)]
#[llm_call(provider = "openai", model = MODEL, usage = whole)]
fn all_of_it(x: u64) -> Answer {
    answer(x)
}

#[inline(never)]
#[llm_call(provider = "openai", model = MODEL, usage = |out| (out.tokens.0, out.tokens.1))]
fn three_attempts(x: u64) -> Answer {
    for _ in 0..2 {
        attempt("client").status(429, None);
    }
    let last = attempt("client");
    last.status(200, None);
    let out = answer(x);
    answered(whole(&out));
    out
}

#[traced]
fn root(n: u64, burst: fn(u64) -> u64) -> u64 {
    burst(n)
}

/// A burst of calls under a root span, or under one that is not sampled.
macro_rules! burst {
    ($sampled:expr, |$i:ident| $call:expr) => {
        |n| {
            ensure($sampled);
            root(n, |n| {
                (0..n).fold(0, |sum: u64, $i| {
                    let $i = black_box($i);
                    sum.wrapping_add($call.tokens.0)
                })
            })
        }
    };
}

/// All rows.
pub fn all() -> Vec<Row> {
    let row = |name, title, traced: fn(u64) -> u64, call: fn(u64) -> u64| Row {
        name,
        title,
        variants: [("traced", traced), ("llm_call", call)]
            .map(|(name, burst)| Variant { name, burst, drain })
            .to_vec(),
    };
    let traced = burst!(true, |i| traced_call(i));
    vec![
        row(
            "call-silent",
            "nothing is reported",
            traced,
            burst!(true, |i| silent(i)),
        ),
        row(
            "call",
            "input and output tokens",
            traced,
            burst!(true, |i| pair(i)),
        ),
        row(
            "call-async",
            "the same, async",
            burst!(true, |i| block_on(traced_async(i))),
            burst!(true, |i| block_on(pair_async(i))),
        ),
        row(
            "call-unsampled",
            "the same, not sampled",
            burst!(false, |i| traced_call(i)),
            burst!(false, |i| pair(i)),
        ),
        row(
            "call-answer",
            "cached tokens, model, id, reason",
            traced,
            burst!(true, |i| all_of_it(i)),
        ),
        row(
            "call-attempts",
            "the same after two refusals, as a layer and the body report it",
            traced,
            burst!(true, |i| three_attempts(i)),
        ),
    ]
}
