//! What is done inside of an agent is in its frame, wherever and however it is done.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::sync::{Arc, Mutex};

use obs_runtime::llm::{self, Frame, Prices, ToolCallId, Usage};
use obs_runtime::{
    AttributeValue, Instrument as _, Observability, Sampler, SpanContext, agent, llm_call, testing,
    tool_call, traced, workflow,
};

#[llm_call(provider = "house", model = "large", usage = |tokens| Usage::new(tokens.0, tokens.1))]
async fn ask(input: u64, output: u64) -> (u64, u64) {
    tokio::task::yield_now().await;
    (input, output)
}

#[llm_call(provider = "house", model = "large", usage = |tokens| Usage::new(tokens.0, tokens.1))]
fn ask_at_once(input: u64, output: u64) -> (u64, u64) {
    (input, output)
}

#[tool_call(effect = "read")]
async fn search(fails: bool) -> Result<(), std::io::Error> {
    tokio::task::yield_now().await;
    if fails {
        return Err(std::io::Error::other("nothing"));
    }
    Ok(())
}

/// A dollar for a million input tokens, two for a million output tokens.
fn priced() -> obs_runtime::Builder {
    Observability::builder().prices(Prices::new().price("large", 1.0, 2.0))
}

fn run<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn here() -> Frame {
    llm::frame().expect("an agent is open here")
}

/// Model calls, tool calls, input tokens, output tokens, picodollars.
fn sums(spent: &llm::Spent) -> (u64, u64, Option<u64>, Option<u64>, Option<i128>) {
    (
        spent.model_calls,
        spent.tool_calls,
        spent.usage.input_tokens(),
        spent.usage.output_tokens(),
        spent.cost.exact().map(llm::Usd::picodollars),
    )
}

#[agent]
async fn worker(calls: u64) -> Frame {
    for _ in 0..calls {
        ask(10, 1).await;
    }
    let _ = search(true).await;
    here()
}

#[agent(name = "boss", description = "Lets others work.")]
async fn supervisor() -> (Frame, Frame, Frame) {
    ask(1_000, 100).await;
    let (one, other) = tokio::join!(worker(1), worker(2));
    assert_eq!(one.around().unwrap().name(), "boss");
    (here(), one, other)
}

#[test]
fn an_agent_has_its_own_sums_and_those_of_the_agents_inside() {
    let mut frames = None;
    let captured = testing::capture_with(priced(), || frames = Some(run(supervisor()))).unwrap();
    let (boss, one, other) = frames.unwrap();
    assert_eq!(boss.name(), "boss");
    // Those around are gone.
    assert!(one.around().is_none() && boss.around().is_none() && llm::frame().is_none());
    assert_eq!(
        sums(&one.own()),
        (1, 1, Some(10), Some(1), Some(12_000_000))
    );
    assert_eq!(one.own(), one.total());
    assert_eq!(
        sums(&other.own()),
        (2, 1, Some(20), Some(2), Some(24_000_000))
    );
    assert_eq!(
        sums(&boss.own()),
        (1, 0, Some(1_000), Some(100), Some(1_200_000_000))
    );
    assert_eq!(
        sums(&boss.total()),
        (4, 2, Some(1_030), Some(103), Some(1_236_000_000))
    );
    assert_eq!(boss.total().failed_tool_calls, 2);
    assert_eq!(boss.late(), 0);

    let span = captured.span("invoke_agent boss");
    for (key, value) in [
        (
            "gen_ai.operation.name",
            AttributeValue::from("invoke_agent"),
        ),
        ("gen_ai.agent.name", "boss".into()),
        ("gen_ai.agent.description", "Lets others work.".into()),
        ("gen_ai.usage.input_tokens", 1_000_i64.into()),
        ("gen_ai.usage.output_tokens", 100_i64.into()),
        ("obs.total.input_tokens", 1_030_i64.into()),
        ("obs.total.output_tokens", 103_i64.into()),
        ("obs.total.model_calls", 4_i64.into()),
        ("obs.total.tool_calls", 2_i64.into()),
        ("obs.total.cost", 0.001_236.into()),
    ] {
        assert_eq!(span.attribute(key), Some(&value), "{key}");
    }
    let tool = captured.spans_named("execute_tool search").next().unwrap();
    for (key, value) in [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "search"),
        ("gen_ai.tool.type", "function"),
        ("gen_ai.agent.name", "worker"),
        ("obs.tool.effect", "read"),
    ] {
        assert_eq!(tool.attribute(key), Some(&value.into()), "{key}");
    }
}

#[test]
fn a_frame_goes_where_the_context_goes() {
    #[traced]
    async fn between() {
        ask(1, 0).await;
    }

    #[agent]
    async fn spreads() -> Frame {
        between().await;
        tokio::spawn(async { ask(2, 0).await }.in_current_span())
            .await
            .unwrap();
        let span = obs_runtime::span!("by hand");
        tokio::spawn(async { ask(4, 0).await }.instrument(span))
            .await
            .unwrap();
        let context = SpanContext::current().unwrap();
        std::thread::spawn(move || {
            let _inside = context.attach();
            ask_at_once(8, 0);
        })
        .join()
        .unwrap();
        // Nobody takes the frame along.
        tokio::spawn(async { ask(1_024, 0).await }).await.unwrap();
        let _entered = context.attach();
        ask_at_once(16, 0);
        here()
    }

    let mut frame = None;
    testing::capture_with(priced(), || frame = Some(run(spreads()))).unwrap();
    let own = frame.unwrap().own();
    assert_eq!((own.model_calls, own.usage.input_tokens()), (5, Some(31)));
}

#[test]
fn sums_do_not_depend_on_sampling_or_on_an_installation() {
    for builder in [
        Some(priced().sampler(Sampler::always_off())),
        Some(priced().sampler(Sampler::ratio(0.5))),
        None,
    ] {
        let mut frame = None;
        let mut work = || frame = Some(run(worker(3)));
        match builder {
            Some(builder) => drop(testing::capture_with(builder, work).unwrap()),
            None => work(),
        }
        let own = frame.unwrap().own();
        assert_eq!((own.model_calls, own.tool_calls), (3, 1));
    }
}

#[test]
fn what_is_cut_off_is_in_the_frame() {
    let kept = Arc::new(Mutex::new(None));

    #[agent]
    async fn never_ends(kept: Arc<Mutex<Option<Frame>>>) {
        *kept.lock().unwrap() = Some(here());
        hang().await;
    }

    #[llm_call(provider = "house", model = "large")]
    async fn hang() {
        llm::answered((5_u64, 0_u64));
        std::future::pending::<()>().await;
    }

    #[agent]
    fn panics(kept: &Mutex<Option<Frame>>) {
        *kept.lock().unwrap() = Some(here());
        ask_at_once(7, 0);
        panic!("no");
    }

    testing::capture_with(priced(), || {
        run(async {
            let mut future = Box::pin(never_ends(kept.clone()));
            assert!(futures_util::poll!(&mut future).is_pending());
            drop(future);
        });
        let cut = kept.lock().unwrap().take().unwrap();
        assert_eq!(
            (cut.own().failed_model_calls, cut.own().usage.input_tokens()),
            (1, Some(5))
        );
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics(&kept)));
        assert!(caught.is_err() && llm::frame().is_none());
        let panicked = kept.lock().unwrap_or_else(|e| e.into_inner()).take();
        assert_eq!(panicked.unwrap().own().usage.input_tokens(), Some(7));
    })
    .unwrap();
}

#[test]
fn what_ends_after_its_agent_is_in_the_frame_around_it() {
    #[agent]
    async fn forgets() -> tokio::task::JoinHandle<(u64, u64)> {
        tokio::spawn(async { ask(9, 0).await }.in_current_span())
    }

    #[workflow]
    async fn outer() -> Frame {
        let task = forgets().await;
        task.await.unwrap();
        here()
    }

    let mut frame = None;
    let captured = testing::capture_with(priced(), || frame = Some(run(outer()))).unwrap();
    let frame = frame.unwrap();
    assert_eq!(frame.late(), 1);
    assert_eq!(frame.own().model_calls, 1);
    assert!(captured.span("invoke_workflow outer").error.is_none());
}

#[test]
fn a_tool_says_the_id_that_the_model_gave() {
    #[tool_call]
    fn add(call: &ToolCallId, one: i64, other: i64) -> i64 {
        let _ = call;
        one + other
    }

    #[tool_call(name = "weather", id = call.1, error_if = |text| text.is_empty())]
    fn look(call: (u8, &str)) -> String {
        String::new()
    }

    let captured = testing::capture(|| {
        add(&ToolCallId::new("call_7"), 1, 2);
        look((0, "call_8"));
    });
    let id = |name| captured.span(name).attribute("gen_ai.tool.call.id");
    assert_eq!(id("execute_tool add"), Some(&"call_7".into()));
    assert_eq!(id("execute_tool weather"), Some(&"call_8".into()));
    assert!(captured.span("execute_tool weather").error.is_some());
}

#[test]
fn a_span_from_outside_does_not_take_the_frame_away() {
    #[agent]
    fn inside(span: &obs_runtime::Span, outside: obs_runtime::trace::EnteredSpan) -> Frame {
        drop(outside);
        span.in_scope(|_| ask_at_once(1, 0));
        let context = span.context().unwrap();
        let _inside = context.attach();
        ask_at_once(2, 0);
        here()
    }

    let captured = testing::capture_with(priced(), || {
        let span = obs_runtime::span!("session");
        inside(&span, obs_runtime::span!("entered").entered())
    })
    .unwrap();
    assert_eq!(captured.value.own().usage.input_tokens(), Some(3));
    assert!(llm::frame().is_none());
}

/// bug: the frames of all agents before hung on the last one, and their drop took as much stack.
#[test]
fn a_chain_of_agents_that_begin_each_other_is_not_kept() {
    fn next(left: u32) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tick(left))
    }

    #[agent]
    async fn tick(left: u32) {
        if left > 0 {
            tokio::spawn(next(left - 1).in_current_span());
        } else {
            let mut depth = 0;
            let mut around = Some(here());
            while let Some(frame) = around {
                depth += 1;
                around = frame.around();
            }
            assert!(depth < 10, "{depth}");
        }
        tokio::task::yield_now().await;
    }

    run(async {
        tokio::spawn(tick(20_000).in_current_span()).await.unwrap();
        for _ in 0..100_000 {
            tokio::task::yield_now().await;
        }
    });
}
