//! The queue between the threads that report something and the drain, bounded in bytes.
//!
//! Each scope that takes logs has one. A thread pushes under the lock of one shard and never waits
//! for the drain; a record without room is counted as lost.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::fork::PerProcess;
use crate::lock::{lock, write};
use crate::logs::LogRecord;
use crate::memory::Share;
use crate::self_obs;
use crate::trace::buffer;

/// The number of shards over which threads are spread, so that they seldom meet.
const SHARDS: usize = 8;
/// The drain is woken before its timer when this many bytes wait.
const WAKE_BYTES: usize = 1 << 20;

/// The queue of one scope.
#[derive(Debug)]
pub(crate) struct LogQueue {
    shards: [Mutex<Vec<LogRecord>>; SHARDS],
    most_records: usize,
    /// What waits, as a part of the memory budget.
    share: Share,
    /// The size of what waits.
    bytes: AtomicUsize,
    records: AtomicUsize,
    /// The records that were pushed, including the lost ones.
    recorded: AtomicU64,
    /// The records that found no room.
    lost: AtomicU64,
    /// Whether nobody takes anything out any more.
    closed: AtomicBool,
}

#[cfg_attr(
    not(feature = "tracing"),
    allow(dead_code, reason = "without `tracing` nobody pushes")
)]
impl LogQueue {
    pub(crate) fn new(most_records: Option<usize>) -> Self {
        Self {
            shards: [const { Mutex::new(Vec::new()) }; SHARDS],
            most_records: most_records.unwrap_or(usize::MAX),
            share: Share::default(),
            bytes: AtomicUsize::new(0),
            records: AtomicUsize::new(0),
            recorded: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Queues a record, or counts it as lost if there is no room.
    pub(crate) fn push(&self, record: LogRecord) {
        let size = record.size();
        let records = self.records.fetch_add(1, Ordering::Relaxed);
        if records >= self.most_records || !self.share.take(size) {
            self.records.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.recorded.fetch_add(1, Ordering::Release);
            return;
        }
        let mut shard = lock(&self.shards[shard()]);
        // This is inside the lock: what is not refused here is taken by the last pass at the
        // latest.
        if self.closed.load(Ordering::Relaxed) {
            self.share.give_back(size);
            self_obs::count_late();
            return;
        }
        self.recorded.fetch_add(1, Ordering::Release);
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        shard.push(record);
        drop(shard);
        let full = waiting < WAKE_BYTES && waiting + size >= WAKE_BYTES;
        if full || records + 1 == self.most_records / 2 + 1 {
            buffer::shared().wake();
        }
    }

    /// Closes the queue. A record that is pushed later is counted as late.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Takes everything that waits, in the order of time. Its memory is given back when it is
    /// handed to the exporters, in the same pass.
    pub(crate) fn take(&self) -> Vec<LogRecord> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut taken = core::mem::take(&mut *lock(shard));
            all.append(&mut taken);
        }
        if !all.is_empty() {
            self.records.fetch_sub(all.len(), Ordering::Relaxed);
            let bytes = all.iter().map(LogRecord::size).sum();
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.share.give_back(bytes);
            all.sort_by_key(|record| record.unix_nanos);
        }
        all
    }

    /// Returns how many records were pushed, and how many of them found no room.
    pub(crate) fn account(&self) -> (u64, u64) {
        let lost = self.lost.load(Ordering::Relaxed);
        (self.recorded.load(Ordering::Acquire), lost)
    }
}

/// Returns the shard that this thread writes to.
fn shard() -> usize {
    use core::cell::Cell;
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

/// How many scopes take logs; most programs have none or one.
static SCOPES: AtomicUsize = AtomicUsize::new(0);
/// The queues of the scopes that take logs.
type Queues = Vec<(u16, Arc<LogQueue>)>;

static QUEUES: PerProcess<RwLock<Queues>> = PerProcess::new(RwLock::default);

/// Returns the queue of a scope; none if nobody takes its logs.
#[cfg(feature = "tracing")]
pub(crate) fn of_scope(scope: u16) -> Option<Arc<LogQueue>> {
    if SCOPES.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let queues = crate::lock::read(&QUEUES);
    let found = queues.iter().find(|(id, _)| *id == scope)?;
    Some(Arc::clone(&found.1))
}

/// Makes the scope take logs from now on, or no more logs.
pub(crate) fn set(scope: u16, queue: Option<Arc<LogQueue>>) {
    let mut queues = write(&QUEUES);
    queues.retain(|(id, _)| *id != scope);
    queues.extend(queue.map(|queue| (scope, queue)));
    SCOPES.store(queues.len(), Ordering::Relaxed);
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
