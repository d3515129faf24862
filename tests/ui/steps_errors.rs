//! What obs fails with must be an error of the flow.

use std::time::Duration;

use obs_runtime::steps::{Router, step};

#[derive(Debug)]
struct Own;

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("own")
    }
}

async fn work(number: u32) -> Result<u32, Own> {
    Ok(number)
}

fn main() {
    let _ = step("work", work).timeout(Duration::from_secs(1));
    let router = Router::new("router", |_: &u32| "work").route("work", step("work", work));
    let _ = router.build();
    let _ = Router::<u32, u32, String>::new("router", |n: &u32| *n);
    step("work", work);
}
