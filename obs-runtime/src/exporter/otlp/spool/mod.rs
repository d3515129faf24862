//! Requests that could not be sent, on disk until the receiver takes them.
//!
//! Each process has a folder of its own below the spool's directory and holds its lock; the folder of
//! a process that has gone is an orphan, whose files another process takes over. A file is removed
//! after the receiver has taken its request, never before. Files survive the death of the process, not
//! the loss of power: they are not synced.

mod file;
mod folder;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::Error;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::Signal;
pub(super) use crate::exporter::otlp::spool::file::Stored;
use crate::exporter::otlp::spool::folder::Folder;
use crate::exporter::otlp::spool::waiting::Waiting;
use crate::lock::lock;
use crate::self_log;
use crate::self_obs::{DropReason, ExporterCounters, Part};

/// Bytes of all files of one process, unless the builder or `OBS_SPOOL_MAX_BYTES` says otherwise.
pub(crate) const MAX_BYTES: u64 = 256 << 20;

/// How often a process looks for orphans.
const SCAN_EVERY: Duration = Duration::from_secs(10);

/// Own files come after all that are taken over, which are older.
const FIRST_OWN: u64 = 1 << 40;

/// One program's share of a spool directory.
#[derive(Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Given up once every lane has ended: another process may take over what is left.
    folder: Option<Folder>,
    path: PathBuf,
    attached: usize,
    /// Numbers of the next files, taken over and own.
    next_orphan: u64,
    next_own: u64,
    /// The room that all files in the folder take.
    bytes: u64,
    waiting: Waiting,
    /// The accounts of the signals that are sent, in the order of [`Signal`].
    accounts: [Option<Arc<ExporterCounters>>; 3],
    scanned: Option<Instant>,
}

impl Spool {
    /// Makes the directory and this process's folder in it.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub(crate) fn open(dir: &Path, max_bytes: u64) -> Result<Arc<Self>, Error> {
        let folder = Folder::make(dir).map_err(|e| {
            Error::config(format!(
                "the spool directory {} cannot be used: {e}; give one that this program may write, \
                 nothing is kept on disk",
                dir.display()
            ))
        })?;
        Ok(Arc::new(Self {
            dir: dir.to_owned(),
            max_bytes,
            state: Mutex::new(State {
                path: folder.path.clone(),
                folder: Some(folder),
                attached: 0,
                next_orphan: 0,
                next_own: FIRST_OWN,
                bytes: 0,
                waiting: Waiting::default(),
                accounts: Default::default(),
                scanned: None,
            }),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Has files of a signal counted, and those of orphans taken over.
    pub(super) fn attach(&self, signal: Signal, counters: &Arc<ExporterCounters>) {
        let mut state = self.lock();
        state.accounts[signal as usize] = Some(Arc::clone(counters));
        state.attached += 1;
        // What an earlier scan left lying is of this signal.
        state.scanned = None;
    }

    /// Notes that a lane has ended; with the last one the folder is given up.
    pub(super) fn detach(&self) {
        let mut state = self.lock();
        state.attached -= 1;
        let folder = if state.attached == 0 {
            state.folder.take()
        } else {
            None
        };
        drop(state);
        drop(folder);
    }

    /// Writes a request to disk; the oldest ones make room. It is neither counted nor sent before
    /// [`Spool::put`].
    ///
    /// # Errors
    /// Why it is lost.
    pub(super) fn store(&self, signal: Signal, batch: &Batch) -> Result<Stored, DropReason> {
        let mut state = self.lock();
        let stored = Stored {
            number: state.next_own,
            signal,
            items: batch.items,
            bytes: file::len_on_disk(batch.body().len()),
        };
        if state.folder.is_none() {
            return Err(DropReason::SpoolFailed);
        }
        let Some(evicted) = self.make_room(&mut state, stored.bytes) else {
            state.set_problem(signal, Some(&self.is_full()));
            return Err(DropReason::SpoolFull);
        };
        state.next_own += 1;
        state.bytes += stored.bytes;
        let path = state.path(&stored);
        drop(state);
        for path in &evicted {
            unlink(path);
        }
        match file::write(&path, batch.items, batch.body()) {
            Ok(()) => {
                if evicted.is_empty() {
                    self.lock().set_problem(signal, None);
                }
                Ok(stored)
            }
            Err(e) => {
                let mut state = self.lock();
                state.bytes -= stored.bytes;
                let text = format!(
                    "the spool {}: {e}; nothing is kept on disk: check its file system",
                    self.dir.display()
                );
                state.set_problem(signal, Some(&text));
                drop(state);
                self_log::warn("spool", "write", format_args!("{}: {e}", path.display()));
                Err(DropReason::SpoolFailed)
            }
        }
    }

    /// Counts a stored request as spooled, and has it sent when the receiver is well.
    pub(super) fn put(&self, stored: Stored) {
        let mut state = self.lock();
        if let Some(counters) = &state.accounts[stored.signal as usize] {
            counters.spooled.fetch_add(stored.items, Ordering::Release);
        }
        state.waiting.add(stored);
    }

    /// Gives back what [`Spool::take`] gave.
    pub(super) fn put_back(&self, stored: Stored) {
        self.lock().waiting.add(stored);
    }

    /// Takes the oldest request of a signal, for the caller alone to send.
    pub(super) fn take(&self, signal: Signal) -> Option<Stored> {
        self.lock().waiting.take(signal)
    }

    /// Returns whether a request of the signal waits.
    pub(super) fn has(&self, signal: Signal) -> bool {
        self.lock().waiting.has(signal)
    }

    /// Reads a request back.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub(super) fn read(&self, stored: &Stored) -> Result<Batch, String> {
        let path = self.lock().path(stored);
        match file::read(&path) {
            Ok(Some((items, body))) if items == stored.items => Ok(Batch::encoded(body, items)),
            Ok(_) => Err(format!("{} is not whole", path.display())),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    /// Removes the file of a request whose fate is known.
    pub(super) fn remove(&self, stored: &Stored) {
        let mut state = self.lock();
        let path = state.path(stored);
        state.bytes -= stored.bytes;
        drop(state);
        unlink(&path);
    }

    /// Returns when orphans are to be looked for.
    pub(super) fn next_scan(&self) -> Option<Instant> {
        self.lock().scanned.map(|at| at + SCAN_EVERY)
    }

    /// Takes over the files of processes that have gone. The lock is held for moments only: those who send
    /// need it.
    pub(super) fn adopt(&self) {
        let own = {
            let mut state = self.lock();
            state.scanned = Some(Instant::now());
            state.path.clone()
        };
        let folders = folder::all(&self.dir).unwrap_or_default();
        for path in folders.into_iter().filter(|path| *path != own) {
            let adopted = Folder::claim(&path).and_then(|orphan| match orphan {
                Some(orphan) => self.take_over(&orphan),
                None => Ok(()),
            });
            if let Err(e) = adopted
                && e.kind() != std::io::ErrorKind::NotFound
            {
                self_log::warn("spool", "adopt", format_args!("{}: {e}", path.display()));
            }
        }
        let evicted = self.make_room(&mut self.lock(), 0);
        for path in evicted.iter().flatten() {
            unlink(path);
        }
    }

    /// Moves an orphan's files here; those of a signal that this process does not send stay.
    fn take_over(&self, orphan: &Folder) -> std::io::Result<()> {
        let mut failed = Ok(());
        for (from, found) in orphan.files()? {
            let mut state = self.lock();
            let Some(counters) = state.accounts[found.signal as usize].clone() else {
                continue;
            };
            let stored = Stored {
                number: state.next_orphan,
                ..found
            };
            state.next_orphan += 1;
            let path = state.path(&stored);
            drop(state);
            if let Err(error) = std::fs::rename(from, path) {
                // The others are none the worse for it.
                failed = Err(error);
                continue;
            }
            // Taken first: an account never shows more outcomes than items.
            counters.taken.fetch_add(stored.items, Ordering::Release);
            counters
                .recovered
                .fetch_add(stored.items, Ordering::Release);
            counters.spooled.fetch_add(stored.items, Ordering::Release);
            let mut state = self.lock();
            state.bytes += stored.bytes;
            state.waiting.add(stored);
        }
        failed
    }
}

impl Spool {
    /// Gives up the oldest files until there is room, and returns them to be removed; `None` if there
    /// cannot be room.
    fn make_room(&self, state: &mut State, bytes: u64) -> Option<Vec<PathBuf>> {
        let mut evicted = Vec::new();
        if state.bytes - state.waiting.bytes + bytes > self.max_bytes {
            return None;
        }
        while state.bytes + bytes > self.max_bytes {
            let oldest = state.waiting.take_oldest()?;
            evicted.push(state.path(&oldest));
            state.bytes -= oldest.bytes;
            if let Some(counters) = &state.accounts[oldest.signal as usize] {
                counters.unspool(oldest.items);
                counters.dropped.add(DropReason::SpoolFull, oldest.items);
            }
            state.set_problem(oldest.signal, Some(&self.is_full()));
        }
        Some(evicted)
    }

    fn is_full(&self) -> String {
        let (dir, bytes) = (self.dir.display(), self.max_bytes);
        format!(
            "the spool {dir} is full ({bytes} bytes) and drops its oldest requests; check the receiver, or give more \
             room (OBS_SPOOL_MAX_BYTES)"
        )
    }
}

fn unlink(path: &Path) {
    if let Err(e) = std::fs::remove_file(path) {
        self_log::warn("spool", "remove", format_args!("{}: {e}", path.display()));
    }
}

impl State {
    fn set_problem(&self, signal: Signal, problem: Option<&str>) {
        if let Some(counters) = &self.accounts[signal as usize] {
            counters.set_problem(Part::Spool, problem);
        }
    }

    fn path(&self, stored: &Stored) -> PathBuf {
        self.path.join(stored.to_string())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
