//! The making of items while others work: a task of tokio's for as many as the driver asks for.

use core::future::poll_fn;
use core::task::Poll;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::Instrument as _;
use crate::guarded::{caught, guarded};
use crate::pipeline::driver::{Event, Made, Time, Unit};
use crate::pipeline::items::{Count, Counted};
use crate::pipeline::lazy::MakesItems;
use crate::pipeline::result::TaskError;
use crate::pipeline::runner::{Message, Runner};

/// The most items that are made before others have their turn on the thread.
const AT_ONCE: u32 = 64;

/// The items of a mapped task that are made while others work.
pub(super) struct Feed {
    items: Arc<dyn MakesItems>,
    making: Option<JoinHandle<()>>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.making.iter().for_each(JoinHandle::abort);
    }
}

impl Runner {
    /// Tells the driver what items a mapped task has.
    pub(super) fn expand(&mut self, task: u32) {
        let event = match self.count_items(task) {
            Some(Counted(Count::Made(items))) => {
                let making = None;
                self.feeds.insert(task, Feed { items, making });
                Event::Opened { task }
            }
            Some(Counted(Count::Known(items))) => Event::Expanded {
                task,
                // More than can be counted is more than any `max`.
                items: Some(u32::try_from(items).unwrap_or(u32::MAX)),
            },
            None => Event::Expanded { task, items: None },
        };
        let at = Time::of(self.run.began.elapsed());
        self.driver.apply(at, event, &mut self.commands);
    }

    /// Has items made, at most so many.
    pub(super) fn make(&mut self, task: u32, most: u32) {
        let Some(feed) = self.feeds.get_mut(&task) else {
            return;
        };
        let (run, items) = (Arc::clone(&self.run), Arc::clone(&feed.items));
        let span = self.run.span;
        let makes = async move {
            for at in 0..most {
                let made = poll_fn(|cx| match caught(|| items.poll_next(cx)) {
                    Ok(polled) => polled,
                    Err(said) => Poll::Ready(Err(said)),
                });
                let made = made.await;
                let is_last = !matches!(made, Ok(Made::Item));
                run.mailbox.send(Message::Made { task, made });
                if is_last {
                    return;
                }
                if at % AT_ONCE == AT_ONCE - 1 {
                    tokio::task::yield_now().await;
                }
            }
            let made = Ok(Made::Lot);
            run.mailbox.send(Message::Made { task, made });
        };
        feed.making = Some(tokio::spawn(makes.in_span_context(span)));
    }

    /// Items were made, or could not be.
    pub(super) fn have_made(&mut self, task: u32, made: Result<Made, String>) {
        let made = made.unwrap_or_else(|said| {
            let mut cell = self.run.cell(task as usize);
            let error = TaskError::new("items", format!("an item could not be made: {said}"));
            cell.of(Unit::task(task)).error = Some(Box::new(error));
            Made::Broken
        });
        self.tell(tokio::time::Instant::now(), Event::Made { task, made });
    }

    /// An item has ended: nobody needs it any more.
    pub(super) fn release_item(&mut self, task: u32, item: u32) {
        if let Some(feed) = self.feeds.get(&task) {
            guarded(|| feed.items.release(item as usize));
        }
    }

    /// A mapped task has ended: no more of its items are made.
    pub(super) fn end_feed(&mut self, task: u32) {
        let feed = self.feeds.remove(&task);
        guarded(|| drop(feed));
    }
}
