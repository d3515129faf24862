//! Futures of ours and of OpenTelemetry's API in one trace: the table in docs/interop.md, rows e and f.

use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, Waker};

use crate::orders::is_nested;
use crate::shared::*;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use obs_runtime::Instrument as _;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};

/// A future under a span of the global tracer.
fn otel_async<F: Future>(name: &str, body: F) -> impl Future<Output = F::Output> {
    let span = global::tracer("library").start(name.to_owned());
    body.with_context(Context::current_with_span(span))
}

async fn again() {
    tokio::task::yield_now().await;
}

/// A future that polls another one and does not care about wake-ups.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

fn nest(prefix: String, order: u32, depth: u32) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return;
        }
        let name = format!("{prefix}{depth}");
        let rest = async {
            again().await;
            nest(prefix.clone(), order >> 1, depth - 1).await;
            again().await;
            leaf(&format!("{name}/leaf"));
        };
        if order & 1 == 0 {
            ours_async(&name, rest).await;
        } else {
            otel_async(&name, rest).await;
        }
    })
}

#[test]
fn e_every_order_of_three_and_four() {
    for depth in [3, 4] {
        for order in 0..1 << depth {
            let prefix = format!("ea{depth}.{order}/");
            case_async(nest(prefix.clone(), order, depth));
            let name = |at: u32| format!("{prefix}{at}");
            is_nested(&prefix, depth);
            for at in 1..=depth {
                tree(&[(&format!("{}/leaf", name(at)), &name(at))]);
            }
        }
    }
}

#[test]
fn f1_polls_that_take_turns() {
    case(|| {
        let mut a = pin!(ours_async("f1/a", async {
            leaf("f1/a1");
            again().await;
            ours("f1/a2", || leaf("f1/a2 leaf"));
            again().await;
            otel("f1/a3", || ours("f1/a3 ours", || ()));
        }));
        let mut b = pin!(otel_async("f1/b", async {
            leaf("f1/b1");
            again().await;
            ours("f1/b2", || leaf("f1/b2 leaf"));
        }));
        assert!(poll(a.as_mut()).is_pending());
        assert!(poll(b.as_mut()).is_pending());
        // Elsewhere the parent is another one, inside of the future the same.
        otel("f1/other", || {
            assert!(poll(a.as_mut()).is_pending());
            leaf("f1/other leaf");
        });
        assert!(poll(b.as_mut()).is_ready());
        ours("f1/ours", || {
            assert!(poll(a.as_mut()).is_ready());
            leaf("f1/ours leaf");
        });
        leaf("f1/outside");
    });
    tree(&[
        ("f1/a", "-"),
        ("f1/a1", "f1/a"),
        ("f1/a2", "f1/a"),
        ("f1/a2 leaf", "f1/a2"),
        ("f1/a3", "f1/a"),
        ("f1/a3 ours", "f1/a3"),
        ("f1/b", "-"),
        ("f1/b1", "f1/b"),
        ("f1/b2", "f1/b"),
        ("f1/b2 leaf", "f1/b2"),
        ("f1/other", "-"),
        ("f1/other leaf", "f1/other"),
        ("f1/ours leaf", "f1/ours"),
        ("f1/outside", "-"),
    ]);
}

#[test]
fn f2_join_select_and_unordered() {
    case_async(ours_async("f2/root", async {
        let side = |name: &'static str| async move {
            again().await;
            ours_async(&format!("{name} ours"), async {
                again().await;
                leaf(&format!("{name} leaf"));
            })
            .await;
        };
        tokio::join!(
            otel_async("f2/a", side("f2/a")),
            ours_async("f2/b", side("f2/b")),
        );
        tokio::select! {
            biased;
            () = otel_async("f2/never", std::future::pending::<()>()) => {}
            () = ours_async("f2/c", side("f2/c")) => {}
        }
        let mut all = FuturesUnordered::new();
        for name in ["f2/d", "f2/e"] {
            all.push(otel_async(name, side(name)));
        }
        while all.next().await.is_some() {}
        leaf("f2/after");
    }));
    for name in ["f2/a", "f2/b", "f2/c", "f2/d", "f2/e"] {
        let ours = format!("{name} ours");
        tree(&[
            (name, "f2/root"),
            (&ours, name),
            (&format!("{name} leaf"), &ours),
        ]);
    }
    tree(&[("f2/never", "f2/root"), ("f2/after", "f2/root")]);
}

struct Traces(&'static str);

impl Drop for Traces {
    fn drop(&mut self) {
        leaf(self.0);
        ours(&format!("{} ours", self.0), || ());
    }
}

#[test]
fn f5_what_a_cancelled_future_drops() {
    case(|| {
        let mut cancelled = Box::pin(ours_async("f5/ours", async {
            let _held = Traces("f5/held");
            std::future::pending::<()>().await;
        }));
        assert!(poll(cancelled.as_mut()).is_pending());
        otel("f5/elsewhere", || {
            drop(cancelled);
            leaf("f5/after");
        });
    });
    tree(&[
        ("f5/held", "f5/ours"),
        ("f5/held ours", "f5/ours"),
        ("f5/after", "f5/elsewhere"),
    ]);
    assert_eq!(span("f5/ours").outcome.as_str(), "cancelled");
}

/// A first poll without a context, and a later one inside of a span of theirs.
#[test]
fn f6_the_first_poll_decides_the_parent() {
    case(|| {
        let made = ours("f6/made in", || {
            ours_async("f6/ours", async {
                leaf("f6/first");
                again().await;
                leaf("f6/second");
                Context::current()
                    .span()
                    .set_attribute(KeyValue::new("f6", 1));
            })
        });
        let mut made = pin!(made);
        otel("f6/otel", || assert!(poll(made.as_mut()).is_pending()));
        ours("f6/other", || assert!(poll(made.as_mut()).is_ready()));
    });
    tree(&[
        ("f6/ours", "f6/otel"),
        ("f6/first", "f6/ours"),
        ("f6/second", "f6/ours"),
    ]);
    assert!(span("f6/ours").attribute("f6").is_some());
    assert!(span("f6/other").attribute("f6").is_none());
}

#[test]
fn f_tasks() {
    let run = async {
        ours_async("f7/root", async {
            // Without anything: a trace of its own.
            tokio::spawn(ours_async("f7/plain", async { leaf("f7/plain leaf") }))
                .await
                .unwrap();
            let carried = ours_async("f7/carried", async { leaf("f7/carried leaf") });
            tokio::spawn(carried.in_current_span()).await.unwrap();
            let carried = async { leaf("f7/theirs leaf") };
            tokio::spawn(carried.with_current_context()).await.unwrap();
            ours_async("f7/nested", async {
                // Documented as not right: an ancestor.
                let carried = ours_async("f7/from nested", async { leaf("f7/from nested leaf") });
                tokio::spawn(carried.with_current_context()).await.unwrap();
                let carried = async { leaf("f7/ours from nested") };
                tokio::spawn(carried.in_current_span()).await.unwrap();
            })
            .await;
            let span = obs_runtime::span!("f7/made");
            let task = async {
                leaf("f7/made leaf");
                again().await;
                Context::current()
                    .span()
                    .set_attribute(KeyValue::new("f7", 1));
            };
            tokio::spawn(task.instrument(span)).await.unwrap();
        })
        .await;
        leaf("f7/outside");
    };
    case(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(run);
    });
    tree(&[
        ("f7/plain", "-"),
        ("f7/plain leaf", "f7/plain"),
        ("f7/carried", "f7/root"),
        ("f7/carried leaf", "f7/carried"),
        ("f7/theirs leaf", "f7/root"),
        ("f7/from nested", "f7/root"),
        ("f7/from nested leaf", "f7/from nested"),
        ("f7/ours from nested", "f7/nested"),
        ("f7/made", "f7/root"),
        ("f7/made leaf", "f7/made"),
        ("f7/outside", "-"),
    ]);
    assert!(span("f7/made").attribute("f7").is_some());
}

#[test]
fn a_panic_leaves_everything() {
    case(|| {
        let caught = std::panic::catch_unwind(|| {
            otel("p/otel", || {
                ours("p/ours", || ours("p/inner", || panic!("expected")))
            })
        });
        assert!(caught.is_err());
        assert!(!Context::current().has_active_span());
        ours("p/after", || leaf("p/leaf"));
    });
    tree(&[
        ("p/ours", "p/otel"),
        ("p/inner", "p/ours"),
        ("p/after", "-"),
        ("p/leaf", "p/after"),
    ]);
    assert_eq!(span("p/otel").outcome.as_str(), "panicked");
}
