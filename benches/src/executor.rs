//! The least executor: polls on the spot, so that a row shows the cost of the future alone.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls until the future is ready. Never inlined: a real executor does not see through the future
/// either, and a bare one would dissolve into the loop.
#[inline(never)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Pending for `0` polls more, then ready.
#[derive(Debug)]
pub struct Yield(pub u32);

impl Future for Yield {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_yields_three_times_is_polled_four_times() {
        let mut polls = 0;
        let mut inner = pin!(Yield(3));
        block_on(std::future::poll_fn(|cx| {
            polls += 1;
            inner.as_mut().poll(cx)
        }));
        assert_eq!(polls, 4);
    }
}
