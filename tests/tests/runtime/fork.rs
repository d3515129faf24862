//! A forked child records nothing, runs as before, and leaves the parent's spans to the parent. What it sends once it
//! has installed obs is in `tests/tests/delivery/fork.rs`.
#![cfg(unix)]

use obs_runtime::{Observability, SpanContext, traced};
use obs_tests::own_process;

#[traced]
fn work() -> Option<SpanContext> {
    SpanContext::current()
}

#[test]
fn a_child_runs_on_without_obs() {
    own_process!();
    let obs = Observability::builder().install().unwrap();
    assert!(work().is_some());
    // SAFETY: the child calls one function of this test and ends without unwinding.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let quiet = work().is_none();
        // Neither waits for threads or locks that the child does not have.
        let flushed = obs.force_flush();
        drop(obs);
        let quiet = quiet && flushed.is_ok();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!quiet)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child that was just made.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child recorded or died");
    assert!(work().is_some());
    assert_eq!(obs.stats().spans.recorded, 2);
}
