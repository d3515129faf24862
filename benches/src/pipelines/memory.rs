//! Memory of a task: what is allocated for it when the last of all begins, on one thread, whose
//! allocations are counted.

use std::cell::Cell;

use obs_benches::alloc;
use obs_runtime::Error;
use obs_runtime::pipeline::Pipeline;
use tokio::task::JoinSet;

const TASKS: usize = 100_000;

thread_local! {
    static MOST: Cell<u64> = const { Cell::new(0) };
}

/// All tasks have begun before the first one is polled again.
async fn work() -> Result<(), Error> {
    MOST.with(|most| most.set(most.get().max(alloc::live())));
    tokio::task::yield_now().await;
    Ok(())
}

pub(crate) fn print() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let per_task = |before: u64| (MOST.take().saturating_sub(before)) as f64 / TASKS as f64;
    let before = alloc::live();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            tasks.spawn(work());
        }
        while tasks.join_next().await.is_some() {}
    });
    let tokio = per_task(before);
    let before = alloc::live();
    let mut builder = Pipeline::builder("bench");
    for n in 0..TASKS {
        builder = builder.task(format!("task_{n}"), [], |_| work());
    }
    let pipeline = builder.build()?;
    let built = (alloc::live() - before) as f64 / TASKS as f64;
    let before = alloc::live();
    runtime.block_on(pipeline.run())?.into_result()?;
    println!(
        "| {TASKS} tasks at once | bytes/task |\n|---|---|\n| tokio | {tokio:.0} |\n\
         | the graph | {built:.0} |\n| its run | {:.0} |",
        per_task(before)
    );
    Ok(())
}
