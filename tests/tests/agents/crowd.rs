//! Many workflows at once, each with agents three deep that call tools side by side on several threads.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use obs_runtime::llm::{self, Frame, Spent, Usage};
use obs_runtime::{
    Instrument as _, Observability, Sampler, agent, llm_call, testing, tool_call, workflow,
};

const WORKFLOWS: u64 = 200;
const TOOLS: u64 = 8;

/// What the provider billed: input tokens.
static WIRE: AtomicU64 = AtomicU64::new(0);

#[llm_call(provider = "house", model = "large", usage = |tokens| Usage::new(*tokens, 0_u64))]
async fn ask(tokens: u64) -> u64 {
    WIRE.fetch_add(tokens, Ordering::Relaxed);
    tokio::task::yield_now().await;
    tokens
}

/// A tool that asks a model itself, for the agent that calls it.
#[tool_call]
async fn summarize(tokens: u64) {
    ask(tokens).await;
}

/// Eight tools on any threads, then a model; the tokens tell the workflow and the depth.
async fn work(unit: u64) -> Frame {
    let tools = (0..TOOLS).map(|_| tokio::spawn(summarize(unit).in_current_span()));
    for tool in join_all(tools).await {
        tool.unwrap();
    }
    ask(unit).await;
    llm::frame().unwrap()
}

#[agent]
async fn inner(unit: u64) -> Frame {
    work(unit).await
}

#[agent]
async fn middle(unit: u64) -> (Frame, Frame) {
    let below = tokio::spawn(inner(unit * 1_000).in_current_span());
    let own = work(unit).await;
    (own, below.await.unwrap())
}

#[agent]
async fn outer(unit: u64) -> [Frame; 3] {
    let (own, (middle, inner)) = tokio::join!(work(unit), middle(unit * 1_000));
    [own, middle, inner]
}

#[workflow(name = format!("workflow {unit}"))]
async fn one(unit: u64) -> (Frame, [Frame; 3]) {
    let agents = outer(unit).await;
    (llm::frame().unwrap(), agents)
}

fn tokens(spent: &Spent) -> u64 {
    spent.usage.input_tokens().unwrap_or(0)
}

#[test]
fn sums_hold_whatever_runs_beside() {
    let builder = Observability::builder().sampler(Sampler::ratio(0.01));
    let captured = testing::capture_with(builder, || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .build()
            .unwrap();
        runtime.block_on(async {
            let all = (1..=WORKFLOWS).map(|unit| tokio::spawn(one(unit).in_current_span()));
            let all = join_all(all).await.into_iter().map(Result::unwrap);
            all.collect::<Vec<_>>()
        })
    })
    .unwrap();
    let mut own = 0;
    for (unit, (workflow, agents)) in (1_u64..).zip(&captured.value) {
        assert_eq!(workflow.name(), format!("workflow {unit}"));
        assert_eq!(workflow.own(), Spent::default());
        let mut below = 0;
        for (depth, agent) in agents.iter().enumerate().rev() {
            let each = unit * 1_000_u64.pow(depth as u32) * (TOOLS + 1);
            below += each;
            assert_eq!(tokens(&agent.own()), each, "{unit} {depth}");
            assert_eq!(tokens(&agent.total()), below, "{unit} {depth}");
            assert_eq!(
                (agent.own().model_calls, agent.own().tool_calls),
                (TOOLS + 1, TOOLS)
            );
            assert_eq!(agent.late(), 0);
            own += each;
        }
        assert_eq!(tokens(&workflow.total()), below);
    }
    assert_eq!(own, WIRE.load(Ordering::Relaxed));
    // No frame is left open.
    captured.assert_metric("obs.agent.active").total(0);
}
