//! Log lines inside of a workflow: they show whose it is.

use obs_runtime::steps::{WorkflowContext, step};
use tracing::info;

use crate::log_lines::{assert_lines, block_on};

async fn pay(amount: u32) -> Result<u32, String> {
    info!("paid");
    Ok(amount)
}

async fn pack(amount: u32) -> Result<u32, String> {
    tokio::task::yield_now().await;
    info!("packed");
    Ok(amount)
}

#[test]
fn lines_in_every_step_of_a_workflow_show_its_ids() {
    let context = WorkflowContext::new("order")
        .with_correlation_id("req-123")
        .with_causation_id("msg-1")
        .with_session_id("chat-7");
    let flow = step("pay", pay) >> (step("pack", pack) | step("pay again", pay));
    let workflow = format!(
        "workflow order{{obs.workflow.id={} obs.correlation.id=req-123 obs.causation.id=msg-1 session.id=chat-7}}",
        context.workflow_id()
    );
    assert_lines(
        || {
            block_on(context.run(&flow, 1)).unwrap();
            info!("outside");
        },
        &[
            &format!("paid {workflow}"),
            &format!("paid {workflow}"),
            &format!("packed {workflow}"),
            "outside",
        ],
    );
}

#[test]
fn lines_of_a_child_show_the_ids_of_both() {
    let context = WorkflowContext::new("order").with_correlation_id("req-123");
    let child = context.child();
    let flow = step("pay", pay);
    let start_child = step("start", async |amount| child.run(&flow, amount).await);
    let ids = |context: &WorkflowContext| {
        format!(
            "obs.workflow.id={} obs.correlation.id=req-123",
            context.workflow_id()
        )
    };
    let expected = format!(
        "paid workflow order{{{}}} workflow order{{{} obs.causation.id=req-123}}",
        ids(&context),
        ids(&child)
    );
    assert_lines(
        || {
            block_on(context.run(&start_child, 1)).unwrap();
        },
        &[&expected],
    );
}
