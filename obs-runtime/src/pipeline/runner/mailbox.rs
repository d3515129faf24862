//! What attempts tell the runner of their run.

use core::task::{Context, Poll, Waker};
use std::sync::Mutex;

use tokio::time::Instant;

use crate::lock::lock;
use crate::pipeline::driver::Unit;
use crate::pipeline::result::TaskError;
use crate::pipeline::task::Attempted;
use crate::retry::Hint;

/// What an attempt tells.
pub(crate) enum Message {
    /// It has begun to work. Said by those whose time is limited.
    Began {
        unit: Unit,
        attempt: u32,
        at: Instant,
    },
    /// It has ended; `left` says that a thread of it works on.
    Ended {
        unit: Unit,
        attempt: u32,
        at: Instant,
        ended: Ended,
        left: bool,
    },
    /// The thread that it had left has ended.
    Released { unit: Unit, attempt: u32 },
}

/// How an attempt ended.
pub(crate) enum Ended {
    Done(Attempted),
    Declined,
    Failed(TaskError, Hint),
    Panicked(TaskError),
    /// It was dropped; with the error of one that took too long.
    Dropped(Option<TaskError>),
}

/// The messages of a run that its runner has not read.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    messages: Vec<Message>,
    /// The runner, if it waits.
    waker: Option<Waker>,
}

impl Mailbox {
    pub(crate) fn send(&self, message: Message) {
        let mut inside = lock(&self.0);
        inside.messages.push(message);
        let waker = inside.waker.take();
        drop(inside);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes all messages, in exchange for an empty list.
    pub(super) fn take(&self, empty: &mut Vec<Message>) {
        core::mem::swap(&mut lock(&self.0).messages, empty);
    }

    /// Waits until there is a message.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inside = lock(&self.0);
        if !inside.messages.is_empty() {
            return Poll::Ready(());
        }
        let before = inside.waker.replace(cx.waker().clone());
        drop(inside);
        drop(before);
        Poll::Pending
    }
}
