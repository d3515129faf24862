//! Stops of agents whose calls run side by side, in other tasks, or after the end.

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
