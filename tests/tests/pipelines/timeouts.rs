//! Tasks that take too long, as spans and metrics tell of them.

use obs_runtime::pipeline::Pipeline;
use obs_runtime::testing::capture_async_with;
use obs_runtime::trace::Outcome;
use obs_runtime::{Observability, Sampler};

mod late {
    use obs_runtime::{pipeline_task, traced};

    #[traced]
    async fn inner() {
        std::future::pending::<()>().await;
    }

    #[pipeline_task(pipeline = "late", timeout = "10ms")]
    async fn slow() {
        inner().await;
    }
}

// bug: a task that timed out was cancelled in its span and in the metrics of its function.
#[tokio::test]
async fn a_task_that_timed_out_is_an_error_in_every_signal() {
    for sampler in [Sampler::always_on(), Sampler::always_off()] {
        let builder = Observability::builder().sampler(sampler);
        let run = Pipeline::named("late").unwrap().run();
        let captured = capture_async_with(builder, run).await.unwrap();
        assert!(captured.value.as_ref().unwrap().failed());
        if !captured.spans.is_empty() {
            let error = captured.span("slow").error.as_ref().unwrap();
            assert_eq!(error.kind, "timeout");
            assert_eq!(error.message.as_deref(), Some("timed out after 10ms"));
            assert_eq!(captured.span("slow").outcome, Outcome::Error);
            assert_eq!(captured.span("inner").outcome, Outcome::Cancelled);
        }
        for (function, result) in [("slow", "error"), ("inner", "cancelled")] {
            let calls = captured.assert_metric("function.calls");
            calls
                .labels([("function", function), ("result", result)])
                .total(1);
        }
    }
}
