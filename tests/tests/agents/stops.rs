//! An agent that has done enough is stopped: by its calls, or where it waits.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::RefCell;

use obs_runtime::llm::{self, AgentStopped, StopReason, Usage};
use obs_runtime::testing::{Captured, capture};
use obs_runtime::trace::Outcome;
use obs_runtime::{Instrument as _, agent, llm_call, tool_call, workflow};

/// What reaches the provider: the journal of this thread's test.
mod sent {
    use super::*;

    thread_local! {
        static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(what: impl Into<String>) {
        SENT.with_borrow_mut(|sent| sent.push(what.into()));
    }

    pub(super) fn take() -> Vec<String> {
        SENT.take()
    }
}

#[derive(Debug)]
enum Failed {
    Stopped(AgentStopped),
}

impl From<AgentStopped> for Failed {
    fn from(stopped: AgentStopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Stopped(stopped) = self;
        stopped.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// A model call that can say that its agent is stopped.
#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
async fn ask() -> Result<u8, Failed> {
    sent::note("ask");
    tokio::task::yield_now().await;
    Ok(1)
}

/// One that cannot.
#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
async fn ask_plainly() -> u8 {
    sent::note("ask");
    tokio::task::yield_now().await;
    1
}

#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
fn ask_at_once() -> Result<u8, Failed> {
    sent::note("ask");
    Ok(1)
}

#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
fn ask_at_once_plainly() -> u8 {
    sent::note("ask");
    1
}

#[tool_call]
async fn search(words: &str, top: u32) -> Result<(), Failed> {
    sent::note(format!("search {words} {top}"));
    Ok(())
}

fn run<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn reason<T, R: std::fmt::Debug>(
    captured: &Captured<T>,
    stopped: &Result<R, Failed>,
    agent: &str,
) -> StopReason {
    let Err(Failed::Stopped(stopped)) = stopped else {
        panic!("{stopped:?}");
    };
    assert_eq!(stopped.agent(), agent);
    let span = captured.span(&format!("invoke_agent {agent}"));
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(span.error.as_ref().unwrap().kind, "agent_stopped");
    let said = stopped.reason().as_str();
    assert_eq!(span.attribute("obs.agent.stop_reason"), Some(&said.into()));
    captured
        .assert_metric("obs.agent.stops")
        .labels([("gen_ai.agent.name", agent), ("reason", said)])
        .value(1);
    stopped.reason().clone()
}

#[test]
fn a_call_that_can_say_so_ends_with_the_stop() {
    #[agent(max_steps = 3)]
    async fn looping() -> Result<u8, Failed> {
        let mut sum = 0;
        loop {
            assert_eq!(llm::frame().unwrap().steps_left(), Some(3 - u64::from(sum)));
            sum += ask().await?;
        }
    }

    let captured = capture(|| run(looping()));
    assert_eq!(sent::take(), ["ask"; 3]);
    assert_eq!(
        reason(&captured, &captured.value, "looping"),
        StopReason::Steps { limit: 3 }
    );
    // The one that was not sent is a span with the reason, and no model call.
    let last = captured.spans_named("chat large").last().unwrap();
    assert_eq!(last.error.as_ref().unwrap().kind, "agent_stopped");
    assert_eq!(captured.llm_calls.len(), 3);
}

#[test]
fn the_agent_itself_ends_where_a_call_cannot_say_so() {
    #[agent(max_steps = 2)]
    async fn looping() -> Result<u8, Failed> {
        loop {
            tokio::join!(ask_plainly(), ask_plainly());
        }
    }

    let captured = capture(|| run(looping()));
    assert_eq!(sent::take(), ["ask"; 2]);
    assert_eq!(
        reason(&captured, &captured.value, "looping"),
        StopReason::Steps { limit: 2 }
    );
    let Err(Failed::Stopped(stopped)) = &captured.value else {
        panic!()
    };
    assert_eq!(
        (
            stopped.frame().own().model_calls,
            stopped.frame().overruns()
        ),
        (2, 0)
    );
}

#[test]
fn synchronous_agents_are_stopped_by_their_calls() {
    #[agent(max_steps = 2)]
    fn looping() -> Result<u8, Failed> {
        loop {
            ask_at_once()?;
        }
    }

    #[agent(max_steps = 2)]
    fn deaf() -> Result<u8, Failed> {
        Ok((0..4).map(|_| ask_at_once_plainly()).sum())
    }

    let captured = capture(looping);
    assert_eq!(sent::take(), ["ask"; 2]);
    assert_eq!(
        reason(&captured, &captured.value, "looping"),
        StopReason::Steps { limit: 2 }
    );

    // Nobody can stop it: what is beyond the limit is counted.
    let captured = capture(deaf);
    assert_eq!(
        (captured.value.as_ref().unwrap(), sent::take().len()),
        (&4, 4)
    );
    captured
        .assert_metric("obs.agent.overruns")
        .labels([("gen_ai.agent.name", "deaf")])
        .value(2);
}

#[test]
fn tool_calls_are_limited_and_repetition_is_found() {
    #[agent(max_tool_calls = 2)]
    async fn many() -> Result<(), Failed> {
        for top in 0.. {
            search("light", top).await?;
        }
        Ok(())
    }

    #[agent(max_same_tool_call = 2)]
    async fn same() -> Result<(), Failed> {
        for top in [1, 2, 1, 2, 1, 9] {
            search("light", top).await?;
        }
        Ok(())
    }

    let captured = capture(|| run(many()));
    assert_eq!(sent::take(), ["search light 0", "search light 1"]);
    assert_eq!(
        reason(&captured, &captured.value, "many"),
        StopReason::ToolCalls { limit: 2 }
    );

    let captured = capture(|| run(same()));
    assert_eq!(sent::take().len(), 4);
    let repeated = StopReason::Repeated {
        tool: "search".into(),
        limit: 2,
    };
    assert_eq!(reason(&captured, &captured.value, "same"), repeated);
}

#[test]
fn a_tool_that_may_be_repeated_or_cannot_be_told_is_not() {
    struct Opaque;

    #[tool_call(repeat = "allowed")]
    fn poll(_job: u32) -> Result<(), Failed> {
        sent::note("poll");
        Ok(())
    }

    #[tool_call]
    fn look(_at: &Opaque, _share: f64) -> Result<(), Failed> {
        sent::note("look");
        Ok(())
    }

    #[tool_call]
    fn weigh(_share: f64) -> Result<(), Failed> {
        sent::note("weigh");
        Ok(())
    }

    #[agent(max_same_tool_call = 1)]
    fn waits() -> Result<(), Failed> {
        for _ in 0..3 {
            poll(7)?;
            look(&Opaque, 0.5)?;
        }
        weigh(0.5)?;
        weigh(0.75)?;
        weigh(0.5)
    }

    let captured = capture(waits);
    assert_eq!(sent::take().len(), 8);
    let repeated = StopReason::Repeated {
        tool: "weigh".into(),
        limit: 1,
    };
    assert_eq!(reason(&captured, &captured.value, "waits"), repeated);
}

#[test]
fn an_agent_that_takes_too_long_is_ended_where_it_waits() {
    #[agent(timeout = "20ms")]
    async fn slow() -> Result<(), Failed> {
        ask().await?;
        std::future::pending().await
    }

    let captured = capture(|| run(slow()));
    assert_eq!(sent::take(), ["ask"]);
    let limit = std::time::Duration::from_millis(20);
    assert_eq!(
        reason(&captured, &captured.value, "slow"),
        StopReason::Timeout { limit }
    );
}

#[test]
fn a_flag_lets_the_agent_go_on() {
    #[agent(max_steps = 1, on_stop = "flag")]
    async fn flagged() -> u8 {
        ask_plainly().await + ask_plainly().await + ask_plainly().await
    }

    let captured = capture(|| run(flagged()));
    assert_eq!((captured.value, sent::take().len()), (3, 3));
    let span = captured.span("invoke_agent flagged");
    assert_eq!(span.outcome, Outcome::Ok);
    assert_eq!(
        span.attribute("obs.agent.stop_reason"),
        Some(&"steps".into())
    );
}

#[test]
fn a_stopped_agent_stops_those_inside() {
    #[llm_call(provider = "house", model = "large")]
    async fn aside() {}

    #[agent]
    async fn worker() -> Result<u8, Failed> {
        ask().await
    }

    #[agent(max_steps = 1)]
    async fn boss() -> Result<u8, Failed> {
        ask().await?;
        // It is stopped, and goes on.
        assert!(ask().await.is_err());
        let inner = worker().await;
        assert!(matches!(&inner, Err(Failed::Stopped(stopped)) if stopped.agent() == "boss"));
        tokio::spawn(aside().in_current_span()).await.unwrap();
        inner
    }

    let captured = capture(|| run(boss()));
    assert_eq!(sent::take(), ["ask"]);
    // The task asked the agent to end, which it did where it waited for the task.
    assert_eq!(
        reason(&captured, &captured.value, "boss"),
        StopReason::Steps { limit: 1 }
    );
}

#[test]
fn what_cannot_be_ended_is_counted() {
    #[llm_call(provider = "house", model = "large")]
    async fn aside() {
        sent::note("aside");
    }

    #[workflow(max_steps = 1)]
    async fn spreads() -> Result<(), Failed> {
        ask().await?;
        let task = tokio::spawn(aside().in_current_span());
        // The agent is not polled meanwhile: it has no time to end.
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(task)).unwrap();
        Ok(())
    }

    let captured = capture(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
            .block_on(async { tokio::spawn(spreads().in_current_span()).await.unwrap() })
    });
    captured.value.as_ref().unwrap();
    captured
        .assert_metric("obs.agent.overruns")
        .labels([("gen_ai.agent.name", "spreads")])
        .value(1);
}

#[test]
fn calls_that_are_polled_side_by_side_wait_for_the_end() {
    #[tool_call]
    async fn pay(order: usize) -> usize {
        sent::note("pay");
        order
    }

    #[agent(max_tool_calls = 1)]
    async fn pays() -> Result<usize, Failed> {
        use futures_util::StreamExt as _;
        let orders = futures_util::stream::iter(0..4).map(|order| async move {
            tokio::task::yield_now().await;
            pay(order).await
        });
        Ok(orders.buffer_unordered(4).collect::<Vec<_>>().await.len())
    }

    let captured = capture(|| run(pays()));
    assert_eq!(sent::take(), ["pay"]);
    assert_eq!(
        reason(&captured, &captured.value, "pays"),
        StopReason::ToolCalls { limit: 1 }
    );
}

#[test]
fn the_tasks_of_an_agent_that_was_stopped_are_stopped_too() {
    #[agent(max_steps = 2)]
    async fn spreads() -> Result<tokio::task::JoinHandle<u32>, Failed> {
        let task = async {
            let mut asked = 0;
            while asked < 50 && ask().await.is_ok() {
                asked += 1;
            }
            asked
        };
        let task = tokio::spawn(task.in_current_span());
        HELD.with_borrow_mut(|held| *held = Some(task));
        loop {
            ask().await?;
        }
    }

    thread_local! {
        static HELD: RefCell<Option<tokio::task::JoinHandle<u32>>> = const { RefCell::new(None) };
    }

    run(async {
        assert!(spreads().await.is_err());
        HELD.take().unwrap().await.unwrap();
    });
    assert_eq!(sent::take().len(), 2);
}

#[test]
fn an_agent_in_another_task_is_stopped_with_the_one_around_it() {
    #[agent(max_steps = 1_000)]
    async fn inner() -> Result<u8, Failed> {
        loop {
            ask_plainly().await;
        }
    }

    #[workflow(max_steps = 1)]
    async fn outer() -> Result<u8, Failed> {
        let task = tokio::spawn(inner().in_current_span());
        ask().await?;
        assert!(ask().await.is_err());
        let stopped = task.await.unwrap();
        assert!(matches!(&stopped, Err(Failed::Stopped(stopped)) if stopped.agent() == "outer"));
        stopped
    }

    let captured = capture(|| run(outer()));
    assert!(captured.value.is_err());
    let sent = sent::take().len();
    assert!(sent < 10, "{sent}");
}

#[test]
fn the_time_of_an_agent_that_has_ended_stops_nobody() {
    #[workflow(timeout = "20ms")]
    async fn handle() -> Result<tokio::task::JoinHandle<Result<u8, Failed>>, Failed> {
        Ok(tokio::spawn(
            async {
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
                ask().await
            }
            .in_current_span(),
        ))
    }

    run(async { handle().await.unwrap().await.unwrap().unwrap() });
    assert_eq!(sent::take(), ["ask"]);
}

#[test]
fn an_error_of_its_own_is_not_taken_for_the_flag() {
    #[agent(max_steps = 1, on_stop = "flag")]
    async fn fails() -> Result<u8, std::io::Error> {
        ask_plainly().await;
        ask_plainly().await;
        Err(std::io::Error::other("disk full"))
    }

    let captured = capture(|| run(fails()));
    sent::take();
    let span = captured.span("invoke_agent fails");
    assert_eq!(
        span.error.as_ref().unwrap().message.as_deref(),
        Some("disk full")
    );
    assert_eq!(
        span.attribute("obs.agent.stop_reason"),
        Some(&"steps".into())
    );
}

#[test]
fn a_tool_that_is_a_struct_is_told_by_it() {
    #[derive(Hash)]
    struct Fetch(&'static str);

    impl Fetch {
        #[tool_call]
        fn fetch(&self) -> Result<(), Failed> {
            sent::note(self.0);
            Ok(())
        }
    }

    struct Tools;

    impl Tools {
        #[tool_call]
        fn find(&self, words: &str) -> Result<(), Failed> {
            sent::note(words);
            Ok(())
        }

        #[tool_call]
        fn status(&self) -> Result<(), Failed> {
            sent::note("status");
            Ok(())
        }
    }

    #[agent(max_same_tool_call = 1)]
    fn looks() -> Result<(), Failed> {
        for url in ["a", "b", "c"] {
            Fetch(url).fetch()?;
        }
        // Nothing tells one from the other.
        Tools.status()?;
        Tools.status()?;
        Tools.find("light")?;
        Tools.find("keeper")?;
        Tools.find("light")
    }

    let captured = capture(looks);
    assert_eq!(
        sent::take(),
        ["a", "b", "c", "status", "status", "light", "keeper"]
    );
    let repeated = StopReason::Repeated {
        tool: "find".into(),
        limit: 1,
    };
    assert_eq!(reason(&captured, &captured.value, "looks"), repeated);
}

/// What is awaited before the body does not hold the value.
#[test]
fn calls_are_as_send_as_without_the_macro() {
    #[tool_call]
    async fn shared() -> std::rc::Rc<u8> {
        std::rc::Rc::new(1)
    }

    fn is_send(_: impl Send) {}
    is_send(shared());
}

#[test]
fn limits_are_of_any_type_of_number() {
    struct Config {
        steps: usize,
        tools: Option<u32>,
    }

    #[agent(max_steps = config.steps, max_tool_calls = config.tools)]
    fn by_config(config: &Config) -> Result<u8, Failed> {
        let frame = llm::frame().unwrap();
        assert_eq!(
            (frame.steps_left(), frame.tool_calls_left()),
            (Some(2), None)
        );
        Ok(0)
    }

    by_config(&Config {
        steps: 2,
        tools: None,
    })
    .unwrap();
}
