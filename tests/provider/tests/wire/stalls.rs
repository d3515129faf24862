//! A provider that falls silent while its connection stays open: the stream ends with an error, and the cost that it has
//! holds what the provider billed.

use futures_util::{Stream, StreamExt as _};
use obs_runtime::llm::{self, IntoUsage as _, LlmTotals, Request, StreamTimes};
use obs_runtime::{llm_call, span};
use obs_tests_provider::{Answer, Asked, At, Fault, Format, Provider, Script, Tokens};
use serde_json::Value;

use crate::bill::{MODEL, PROVIDER, picodollars};
use crate::case::request;
use crate::clients::{Failure, Fate, Plan, events};
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

#[llm_call(
    provider = PROVIDER,
    model = MODEL,
    stream,
    usage = |event: &Value| event.into_llm_response(),
    stall = "40ms"
)]
fn impatient(
    http: &reqwest::Client,
    plan: &Plan,
) -> impl Stream<Item = Result<Value, Failure>> + use<> {
    llm::asked(Request::new().max_tokens(80).max_input_tokens(1_200));
    events(http, plan)
}

/// Asks once for a stream, and reads all of it.
fn plan(provider: &Provider, format: Format) -> Plan {
    Plan {
        format,
        url: format!("{}{}", provider.url(), format.path(MODEL, true)),
        body: request(format, true),
        fate: Fate::Returns,
        attempts: 1,
        reads: usize::MAX,
        bounds: None,
        guess: None,
        errands: 0,
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_what_it_cost() {
    observe();
    let http = unpooled();
    for format in Format::OF_TEXT {
        for silent_from in 0..4 {
            let provider = Provider::start(move |_: &Asked| {
                let answer = Answer::new(MODEL, ["It ", "is ", "so."], TOKENS);
                let fault = Fault::Stall(At::Chunk(silent_from));
                Script::answer(answer).fault(fault).share(0.5)
            });
            let provider = provider.await.unwrap();
            let plan = plan(&provider, format);
            let span = span!("case");
            let trace = span.context().unwrap().trace_id();
            let read = async {
                let mut events = Box::pin(impatient(&http, &plan));
                let mut chunks = 0;
                loop {
                    match events.next().await {
                        Some(Ok(_)) => chunks += 1,
                        Some(Err(failure)) => break (chunks, failure.stalled.unwrap()),
                        None => panic!("{format:?}: it ended"),
                    }
                }
            };
            let (chunks, stalled) = span.instrument(read).await;
            let totals = LlmTotals::for_trace(trace).unwrap();
            let case = format!(
                "{format:?}, silent from chunk {silent_from}: {}",
                totals.cost
            );
            assert_eq!(stalled.chunks(), chunks, "{case}");
            assert_eq!(stalled.cost(), totals.cost, "{case}");
            let journal = provider.settle().await.unwrap();
            let billed = picodollars(journal[0].billed, MODEL, None);
            assert!(
                totals.cost.at_least.picodollars() <= billed,
                "{case}: {billed}"
            );
            assert!(
                billed <= totals.cost.at_most.unwrap().picodollars(),
                "{case}: {billed}"
            );
        }
    }
}

#[tokio::test]
async fn the_first_token_is_seen_in_every_format() {
    let http = unpooled();
    for format in Format::OF_TEXT {
        let script = |_: &Asked| Script::answer(Answer::new(MODEL, ["It ", "is."], TOKENS));
        let provider = Provider::start(script).await.unwrap();
        let plan = plan(&provider, format);
        let read = async { crate::clients::streams(&http, &plan).count().await as u64 };
        let captured = obs_runtime::testing::capture_async(read).await;
        let name = format!("chat {MODEL}");
        let times = StreamTimes::of(captured.span(&name)).unwrap();
        assert_eq!(times.chunks, captured.value, "{format:?}");
        assert!(
            times.first_token >= times.first_chunk,
            "{format:?}: {times:?}"
        );
        assert!(times.first_token.is_some(), "{format:?}: {times:?}");
    }
}
