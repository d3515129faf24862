use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;
use std::sync::Arc;

use tower::ServiceExt as _;

use super::*;
use crate::steps::step;
use crate::testing;

/// A service that is ready at the second poll, as one with a limit may be.
#[derive(Clone)]
struct Limited {
    is_ready: bool,
    calls: Arc<AtomicU32>,
}

impl Service<u32> for Limited {
    type Response = u32;
    type Error = String;
    type Future = core::future::Ready<Result<u32, String>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        if core::mem::replace(&mut self.is_ready, true) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, input: u32) -> Self::Future {
        assert!(
            core::mem::take(&mut self.is_ready),
            "called before it was ready"
        );
        self.calls.fetch_add(1, SeqCst);
        core::future::ready(input.checked_sub(1).ok_or_else(|| "too small".to_owned()))
    }
}

#[tokio::test]
async fn a_service_is_a_step() {
    let calls = Arc::new(AtomicU32::new(0));
    let limited = Limited {
        is_ready: false,
        calls: Arc::clone(&calls),
    };
    let captured = testing::capture_async(async {
        let flow = step("one less", service(limited.clone())) >> step("again", service(limited));
        assert_eq!(flow.call(2).await, Ok(0));
        assert_eq!(flow.call(1).await, Err("too small".to_owned()));
    })
    .await;
    assert_eq!(calls.load(SeqCst), 4);
    captured.assert_tree(
        "
        sequence one less >> again
          one less
          again
        sequence one less >> again [error: too small]
          one less
          again [error: too small]
        ",
    );
}

#[tokio::test]
async fn a_flow_is_a_service() {
    let flow = step("double", async |n: u32| Ok::<_, String>(n * 2)).boxed();
    assert_eq!(flow.clone().oneshot(4).await, Ok(8));
    let mapped = flow.map_request(|text: &str| text.len() as u32);
    assert_eq!(mapped.oneshot("four").await, Ok(8));
}
