//! An agent that has done enough is stopped: by its calls, or where it waits.

#![allow(
    unused_imports,
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::RefCell;

use obs_runtime::llm::{self, StopReason};
use obs_runtime::testing::capture;
use obs_runtime::trace::Outcome;
use obs_runtime::{Instrument as _, agent, llm_call, tool_call, workflow};

use crate::house::*;

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
