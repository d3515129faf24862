//! Outputs and futures go from thread to thread.

#![allow(unused_variables)]

use std::cell::Cell;
use std::rc::Rc;

use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "p")]
fn counted() -> Rc<u8> {
    Rc::new(1)
}

#[pipeline_task(pipeline = "p")]
fn not_shared() -> Result<Cell<u8>, String> {
    Ok(Cell::new(1))
}

#[pipeline_task(pipeline = "p")]
async fn held() {
    let counted = Rc::new(1);
    std::future::ready(()).await;
    drop(counted);
}

fn main() {}
