//! The files that wait to be sent. What is asked of them costs the same however many there are.

use std::collections::BTreeMap;

use crate::exporter::otlp::config::Signal;
use crate::exporter::otlp::spool::file::Stored;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// By number, which is by age, for each [`Signal`].
    signals: [BTreeMap<u64, Stored>; 3],
    /// The room that all of them take.
    pub(super) bytes: u64,
}

impl Waiting {
    pub(super) fn add(&mut self, stored: Stored) {
        self.bytes += stored.bytes;
        self.signals[stored.signal as usize].insert(stored.number, stored);
    }

    pub(super) fn has(&self, signal: Signal) -> bool {
        !self.signals[signal as usize].is_empty()
    }

    /// Takes the oldest of a signal.
    pub(super) fn take(&mut self, signal: Signal) -> Option<Stored> {
        let (_, stored) = self.signals[signal as usize].pop_first()?;
        self.bytes -= stored.bytes;
        Some(stored)
    }

    /// Takes the oldest of all.
    pub(super) fn take_oldest(&mut self) -> Option<Stored> {
        let oldest = |signal: &Signal| Some(*self.signals[*signal as usize].first_key_value()?.0);
        let first = Signal::ALL
            .into_iter()
            .filter_map(|signal| Some((oldest(&signal)?, signal)))
            .min_by_key(|(number, _)| *number)?;
        self.take(first.1)
    }
}
