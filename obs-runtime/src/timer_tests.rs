use std::sync::mpsc;
use std::task::Wake;
use std::thread;
use std::time::Duration;

use super::*;

/// Without a timer of its own.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn soon(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

#[test]
fn a_task_is_woken_at_its_moment_and_not_before() {
    let (early, late) = (soon(20), soon(40));
    // The later one is there first: the thread must look again.
    let (later, sooner) = (Sleep::until(late).unwrap(), Sleep::until(early).unwrap());
    block_on(sooner);
    assert!(Instant::now() >= early);
    block_on(later);
    assert!(Instant::now() >= late);
    block_on(Sleep::until(Instant::now()).unwrap());
}

#[test]
fn whoever_asked_last_is_woken() {
    struct Tell(mpsc::Sender<&'static str>, &'static str);
    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            self.0.send(self.1).unwrap();
        }
    }
    let (told, hears) = mpsc::channel();
    let [first, last] = ["first", "last"].map(|name| Arc::new(Tell(told.clone(), name)).into());
    let mut sleep = Sleep::until(soon(20)).unwrap();
    for waker in [&first, &last, &last] {
        let polled = Pin::new(&mut sleep).poll(&mut Context::from_waker(waker));
        assert_eq!(polled, Poll::Pending);
    }
    assert_eq!(hears.recv(), Ok("last"));
    let polled = Pin::new(&mut sleep).poll(&mut Context::from_waker(&first));
    assert_eq!(polled, Poll::Ready(()));
    drop((first, last, told));
    assert!(hears.recv().is_err(), "nobody else was woken");
}

#[test]
fn a_wait_that_is_given_up_leaves_nothing() {
    let sleep = Sleep::until(soon(3_600_000)).unwrap();
    let key = sleep.key;
    assert!(lock(&TIMER.waits).due.contains_key(&key));
    drop(sleep);
    assert!(!lock(&TIMER.waits).due.contains_key(&key));
}

#[test]
fn a_waker_that_panics_stops_nobody_else() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let mut sleep = Sleep::until(soon(5)).unwrap();
    let waker = Arc::new(Panics).into();
    let polled = Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker));
    assert_eq!(polled, Poll::Pending);
    block_on(Sleep::until(soon(10)).unwrap());
}

#[test]
fn many_threads_wait_at_once() {
    let waits =
        |of: u64| move || (0..50).for_each(|n| block_on(Sleep::until(soon((n * of) % 3)).unwrap()));
    thread::scope(|scope| {
        for thread in 1..5 {
            scope.spawn(waits(thread));
        }
    });
}
