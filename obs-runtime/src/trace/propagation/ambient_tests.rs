use core::future::poll_fn;
use core::task::Poll;

use super::*;

fn tenant() -> Option<String> {
    Baggage::current().get("tenant").map(str::to_owned)
}

#[test]
fn guards_nest_and_put_back_what_was() {
    let outer = Baggage::from_header("tenant=1").attach();
    {
        let _inner = Baggage::from_header("tenant=2").attach();
        assert_eq!(tenant().as_deref(), Some("2"));
    }
    assert_eq!(tenant().as_deref(), Some("1"));
    drop(outer);
    assert_eq!(tenant(), None);
}

#[test]
fn a_panic_puts_it_back() {
    let _ = std::panic::catch_unwind(|| {
        let _guard = Baggage::from_header("tenant=1").attach();
        panic!("on purpose");
    });
    assert_eq!(tenant(), None);
}

#[test]
fn other_threads_have_their_own() {
    let _guard = Baggage::from_header("tenant=1").attach();
    assert_eq!(std::thread::spawn(tenant).join().unwrap(), None);
}

#[tokio::test]
async fn futures_keep_theirs_between_polls() {
    let task = |name: &'static str| {
        let mut polls = 0;
        let polled = poll_fn(move |cx| {
            assert_eq!(tenant().as_deref(), Some(name));
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        Baggage::from_header(&format!("tenant={name}")).scope(polled)
    };
    tokio::join!(task("a"), task("b"));
    assert_eq!(tenant(), None);
}
