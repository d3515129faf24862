//! The answers to those who ask how far the run is.

use core::sync::atomic::Ordering;

use crate::pipeline::driver::Unit;
use crate::pipeline::progress::{Asked, Progress, TaskProgress};
use crate::pipeline::runner::{Message, Runner};
use crate::pipeline::state::TaskState;

/// Those who wait for a change, and the changes that there have been.
#[derive(Default)]
pub(super) struct Watchers {
    asked: Vec<Asked>,
    changes: u64,
    /// Whether anybody has asked.
    are_any: bool,
}

impl Watchers {
    pub(super) fn add(&mut self, asked: Asked) {
        self.asked.push(asked);
        self.are_any = true;
    }

    pub(super) fn changed(&mut self) {
        self.changes += 1;
    }
}

impl Runner {
    /// Answers those who have not seen the last change. One answer serves all.
    pub(super) fn answer(&mut self) {
        let changes = self.watchers.changes;
        let is_due = |asked: &Asked| asked.seen < changes && !asked.answer.is_closed();
        if !self.watchers.asked.iter().any(is_due) {
            return;
        }
        let progress = self.progress();
        let asked = core::mem::take(&mut self.watchers.asked);
        for asked in asked {
            if is_due(&asked) {
                // Whoever has gone meanwhile needs no answer.
                let _ = asked.answer.send((changes, progress.clone()));
            } else if !asked.answer.is_closed() {
                self.watchers.asked.push(asked);
            }
        }
    }

    /// The run has ended: those who follow it see its last state, now or when they ask again.
    pub(super) fn end_watch(&mut self) {
        let mut unread = Vec::new();
        self.run.mailbox.take(&mut unread);
        for message in unread {
            if let Message::Asked(asked) = message {
                self.watchers.add(asked);
            }
        }
        if !self.watchers.are_any {
            return;
        }
        let last = (self.watchers.changes, self.progress());
        for asked in core::mem::take(&mut self.watchers.asked) {
            // Whoever has gone meanwhile needs no answer.
            let _ = asked.answer.send(last.clone());
        }
        self.run.mailbox.close(Some(last));
    }

    fn progress(&self) -> Progress {
        // What is said from now on is another change.
        self.run.has_news.store(false, Ordering::Release);
        let tasks = self.run.graph.nodes.iter().enumerate();
        let tasks = tasks.map(|(at, node)| {
            let task = at as u32;
            let state = self.driver.slot(Unit::task(task)).map(|slot| slot.state);
            TaskProgress {
                name: node.name.clone(),
                state: state.unwrap_or(TaskState::Scheduled),
                said: self.run.cell(at).said.as_deref().copied(),
                items: self.driver.item_counts(task),
            }
        });
        Progress {
            state: self.driver.state(),
            tasks: tasks.collect(),
        }
    }
}
