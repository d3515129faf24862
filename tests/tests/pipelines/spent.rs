//! What tasks pay for model calls, whatever is recorded.

use obs_runtime::llm::{LlmCall, record_llm_call};
use obs_runtime::pipeline::Pipeline;
use obs_runtime::{Observability, Sampler, pipeline_task};
use obs_tests::own_process;

fn ask() {
    record_llm_call(LlmCall::new("openai", "chat", "gpt-4o-mini").usage((1_200, 80)));
}

#[pipeline_task(pipeline = "paid", retries = 1, delay = "1ms")]
async fn waits(context: &obs_runtime::pipeline::TaskContext) -> Result<(), &'static str> {
    ask();
    tokio::task::yield_now().await;
    if context.attempt() == 1 {
        Err("again")
    } else {
        Ok(())
    }
}

#[pipeline_task(pipeline = "paid")]
fn blocks() -> Vec<u32> {
    ask();
    vec![0; 3]
}

#[pipeline_task(pipeline = "paid", depends_on(blocks), map(one in blocks))]
async fn each(one: &u32) -> u32 {
    ask();
    *one
}

#[pipeline_task(pipeline = "paid")]
async fn spawns() {
    use obs_runtime::Instrument as _;

    let _ = tokio::spawn(async { ask() }.in_current_span()).await;
}

// bug: seed features I24 and T17 (cost by pipeline and by operation).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tasks_pay_does_not_depend_on_what_is_sampled() -> Result<(), obs_runtime::Error> {
    own_process!();
    for rate in [0.0, 1.0] {
        let obs = Observability::builder()
            .sampler(Sampler::ratio(rate))
            .console(false)
            .install()?;
        let run = Pipeline::named("paid")?.run().await?;
        let calls = |task: &str| run.task_results[task].spent.as_ref().map(|s| s.model_calls);
        assert_eq!(calls("waits"), Some(2), "{rate}: {run}");
        assert_eq!(calls("blocks"), Some(1), "{rate}: {run}");
        assert_eq!(calls("each"), Some(3), "{rate}: {run}");
        assert_eq!(calls("spawns"), Some(1), "{rate}: {run}");
        let whole = run.spent.as_ref().map(|spent| spent.cost.to_string());
        assert_eq!(whole.as_deref(), Some("$0.001596"), "{rate}: {run}");
        assert_eq!(obs.llm_totals().cost.to_string(), "$0.001596");
        obs.shutdown()?;
    }
    Ok(())
}
