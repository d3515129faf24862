//! Turns at a value: one thread has it at a time, and who waits for it can give up at a deadline.
//!
//! A mutex has no deadline, and a thread that lets go of one for the others may have it again
//! before they wake. Here threads take their turns in the order in which they came.

use core::ops::{Deref, DerefMut};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::lock::{lock, wait};

/// A value that threads take turns at.
#[derive(Debug, Default)]
pub(crate) struct Turns<T> {
    /// Is locked by the thread whose turn it is alone, so nobody waits for it.
    value: Mutex<T>,
    line: Mutex<Line>,
    /// A turn has ended, or somebody has left the line.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    is_taken: bool,
    /// Those who wait, in the order in which they came, by number.
    waiting: VecDeque<u64>,
    next: u64,
}

/// A thread's turn, until it is dropped, be it by a panic.
pub(crate) struct Turn<'a, T> {
    // The value is let go before the turn ends.
    value: MutexGuard<'a, T>,
    _end: End<'a, T>,
}

struct End<'a, T>(&'a Turns<T>);

impl<T> Turns<T> {
    /// Waits for a turn, at most until `deadline`.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Option<Turn<'_, T>> {
        let mut line = lock(&self.line);
        let number = line.next;
        line.next += 1;
        line.waiting.push_back(number);
        let is_next = |line: &Line| !line.is_taken && line.waiting.front() == Some(&number);
        line = wait(&self.changed, line, deadline, is_next);
        if !is_next(&line) {
            line.waiting.retain(|waiting| *waiting != number);
            drop(line);
            self.changed.notify_all();
            return None;
        }
        line.waiting.pop_front();
        line.is_taken = true;
        drop(line);
        Some(Turn {
            value: lock(&self.value),
            _end: End(self),
        })
    }

    /// Returns whether somebody waits for a turn.
    pub(crate) fn is_wanted(&self) -> bool {
        !lock(&self.line).waiting.is_empty()
    }
}

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        lock(&self.0.line).is_taken = false;
        self.0.changed.notify_all();
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
