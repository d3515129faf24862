//! A program under `#[obs_runtime::main]` that waits for signals itself, and then finishes what it has begun.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use obs_runtime::{Builder, traced};
use obs_tests::exporters::Print;
use tokio::io::{AsyncReadExt as _, stdin};

fn setup(builder: Builder) -> Builder {
    builder.record_exporter(Print)
}

#[traced]
async fn finish() {
    println!("stopping");
    stdin().read_u8().await.unwrap();
}

#[obs_runtime::main(setup = setup, worker_threads = 1)]
async fn main() {
    let mut signal = pin!(tokio::signal::ctrl_c());
    // Its handler is there from the first poll on.
    poll_fn(|cx| {
        assert!(signal.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    println!("ready");
    signal.await.unwrap();
    finish().await;
}
