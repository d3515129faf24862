//! One computation for a key at a time: the others wait for its value.

use core::hash::Hash;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::lock::lock;

/// How the computation of a key stands.
#[derive(Clone, Debug)]
enum State<V, E> {
    Running,
    Value(V),
    /// With the error, if it may be shared.
    Failed(Option<E>),
}

/// The computations that run, by key.
#[derive(Debug)]
pub(super) struct Flights<K, V, E> {
    running: Mutex<HashMap<K, watch::Receiver<State<V, E>>>>,
    /// How many have ended.
    ended: AtomicU64,
}

/// What a call of a key does.
pub(super) enum Part<'a, K: Hash + Eq, V, E> {
    /// It computes the value.
    Lead(Leader<'a, K, V, E>),
    /// It has waited for another's.
    Waited(Landed<V, E>),
}

/// How the computation of another call has ended.
pub(super) enum Landed<V, E> {
    Value(V),
    /// With the error, if it may be shared.
    Failed(Option<E>),
}

/// The one that computes. If it is dropped without a result, one of those that wait takes its place.
pub(super) struct Leader<'a, K: Hash + Eq, V, E> {
    flights: &'a Flights<K, V, E>,
    key: K,
    result: watch::Sender<State<V, E>>,
}

impl<K, V, E> Default for Flights<K, V, E> {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            ended: AtomicU64::new(0),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone, E: Clone> Flights<K, V, E> {
    /// Computes a key, or waits for whoever does.
    pub(super) async fn join(&self, key: &K) -> Part<'_, K, V, E> {
        loop {
            let mut other = match lock(&self.running).entry(key.clone()) {
                Entry::Occupied(running) => running.get().clone(),
                Entry::Vacant(free) => {
                    let (result, waiting) = watch::channel(State::Running);
                    free.insert(waiting);
                    return Part::Lead(Leader {
                        flights: self,
                        key: key.clone(),
                        result,
                    });
                }
            };
            let landed = other
                .wait_for(|state| !matches!(state, State::Running))
                .await;
            match landed.map(|state| state.clone()) {
                Ok(State::Value(value)) => return Part::Waited(Landed::Value(value)),
                Ok(State::Failed(error)) => return Part::Waited(Landed::Failed(error)),
                // It was cancelled or has panicked.
                Ok(State::Running) | Err(_) => {}
            }
        }
    }
}

impl<K, V, E> Flights<K, V, E> {
    /// Returns how many computations have ended. Where it has changed since the store was asked, the value may be
    /// there now.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }
}

impl<K: Hash + Eq, V, E> Leader<'_, K, V, E> {
    pub(super) fn value(self, value: V) {
        self.result.send_replace(State::Value(value));
    }

    pub(super) fn failed(self, error: Option<E>) {
        self.result.send_replace(State::Failed(error));
    }
}

impl<K: Hash + Eq, V, E> Drop for Leader<'_, K, V, E> {
    fn drop(&mut self) {
        // The number is raised while the key is taken: who finds it free sees the new number.
        let mut running = lock(&self.flights.running);
        self.flights.ended.fetch_add(1, Ordering::Release);
        running.remove(&self.key);
    }
}
