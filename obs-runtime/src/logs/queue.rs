//! Between the threads that say something and the drain: a queue bounded in bytes.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::fork::PerProcess;
use crate::logs::LogRecord;
use crate::self_obs;
use crate::trace::buffer;

/// Threads spread over so many parts of the queue, so that they seldom meet.
const SHARDS: usize = 8;
/// Bytes that records may take while they wait for the drain.
const MOST_BYTES: usize = 16 << 20;
/// With so many bytes waiting, the drain is woken before its timer.
const WAKE_BYTES: usize = 1 << 20;

/// The queue of one scope.
#[derive(Debug)]
pub(crate) struct LogQueue {
    shards: [Mutex<Vec<LogRecord>>; SHARDS],
    most_records: usize,
    /// Of what waits.
    bytes: AtomicUsize,
    records: AtomicUsize,
    /// Records that were pushed, the lost ones included.
    recorded: AtomicU64,
    /// Records that found no room.
    lost: AtomicU64,
    /// Nobody takes anything out any more.
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
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        let records = self.records.fetch_add(1, Ordering::Relaxed);
        if waiting + size > MOST_BYTES || records >= self.most_records {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.records.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.recorded.fetch_add(1, Ordering::Release);
            return;
        }
        let mut shard = lock(&self.shards[shard()]);
        // Inside the lock: what is not refused here is taken by the last pass at the latest.
        if self.closed.load(Ordering::Relaxed) {
            self_obs::count_late();
            return;
        }
        self.recorded.fetch_add(1, Ordering::Release);
        shard.push(record);
        drop(shard);
        let full = waiting < WAKE_BYTES && waiting + size >= WAKE_BYTES;
        if full || records + 1 == self.most_records / 2 + 1 {
            buffer::shared().wake();
        }
    }

    /// What is pushed from now on is late.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Takes all that waits, in the order of its time.
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
            all.sort_by_key(|record| record.unix_nanos);
        }
        all
    }

    /// Records that were pushed, and those of them that found no room.
    pub(crate) fn account(&self) -> (u64, u64) {
        let lost = self.lost.load(Ordering::Relaxed);
        (self.recorded.load(Ordering::Acquire), lost)
    }
}

fn lock(shard: &Mutex<Vec<LogRecord>>) -> MutexGuard<'_, Vec<LogRecord>> {
    // Appending and taking leave whole records behind.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of the queue that this thread writes to.
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
/// The queue of each of them.
type Queues = Vec<(u16, Arc<LogQueue>)>;

static QUEUES: PerProcess<RwLock<Queues>> = PerProcess::new(RwLock::default);

/// The queue of a scope; none if nobody takes its logs.
#[cfg(feature = "tracing")]
pub(crate) fn of_scope(scope: u16) -> Option<Arc<LogQueue>> {
    if SCOPES.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let queues = QUEUES.read().unwrap_or_else(PoisonError::into_inner);
    let found = queues.iter().find(|(id, _)| *id == scope)?;
    Some(Arc::clone(&found.1))
}

/// From now on the scope takes logs.
pub(crate) fn add(scope: u16, queue: Arc<LogQueue>) {
    let mut queues = QUEUES.write().unwrap_or_else(PoisonError::into_inner);
    queues.retain(|(id, _)| *id != scope);
    queues.push((scope, queue));
    SCOPES.store(queues.len(), Ordering::Relaxed);
}

/// The scope takes no logs any more.
pub(crate) fn remove(scope: u16) {
    let mut queues = QUEUES.write().unwrap_or_else(PoisonError::into_inner);
    queues.retain(|(id, _)| *id != scope);
    SCOPES.store(queues.len(), Ordering::Relaxed);
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
