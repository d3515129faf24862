//! `timings` and `track_concurrency` where they mean nothing.
use obs_runtime::traced;

#[traced(timings)]
fn busy() -> u8 {
    0
}

#[traced(timings)]
fn result() -> Result<u8, u8> {
    Ok(0)
}

#[traced(timings = "yes", track_concurrency(3))]
async fn wrong_values() {}

#[traced(track_concurrency, metrics = false)]
async fn no_metrics() {}

#[traced(timing)]
async fn misspelt() {}

fn main() {}
