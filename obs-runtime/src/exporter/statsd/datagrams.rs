//! Lines into datagrams, and what became of the points.

use std::time::Instant;

use crate::exporter::periodic::BatchOutcome;
use crate::self_log;
use crate::self_obs::DropReason;

use super::SOURCE;
use super::connection::{Wire, advice, reason};

/// The lines of one point.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Each line is ended by a line feed.
    pub(super) text: String,
    /// Where parts end that must not be torn apart.
    ends: Vec<usize>,
}

impl Parts {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Ends a part, which is all that was written since the last one.
    pub(super) fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn longest(&self) -> usize {
        let starts = core::iter::once(&0).chain(&self.ends);
        let lengths = self.ends.iter().zip(starts).map(|(end, start)| end - start);
        lengths.max().unwrap_or(0)
    }

    /// Splits the text into pieces of at most `most` bytes.
    fn pieces(&self, most: usize) -> Vec<&str> {
        let (mut pieces, mut start, mut until) = (Vec::new(), 0, 0);
        for end in &self.ends {
            if end - start > most {
                pieces.push(&self.text[start..until]);
                start = until;
            }
            until = *end;
        }
        pieces.push(&self.text[start..until]);
        pieces
    }
}

/// The family's place in the batch, and the point's in the family.
pub(super) type Place = (usize, usize);

/// Gathers lines until a datagram is full.
pub(super) struct Datagrams {
    wire: Box<dyn Wire>,
    /// For what is said of errors.
    server: String,
    /// With the last line feed, which is not sent.
    most: usize,
    text: String,
    /// The points that are in it with all their lines.
    points: Vec<Place>,
    /// What became of the points of this export.
    outcome: BatchOutcome,
}

impl Datagrams {
    pub(super) fn new(wire: Box<dyn Wire>, server: &str) -> Self {
        Self {
            most: wire.most_bytes() + 1,
            wire,
            server: server.to_owned(),
            text: String::new(),
            points: Vec::new(),
            outcome: BatchOutcome::default(),
        }
    }

    /// Begins an export, which is to be over at `deadline`.
    pub(super) fn begin(&mut self, deadline: Instant) {
        self.wire.begin(deadline);
    }

    /// Counts a point as lost, and says why.
    pub(super) fn lose(&mut self, name: &str, reason: DropReason, why: &str) {
        self.count(reason, 1);
        let text = format_args!("`{name}` is left out: {why}");
        self_log::warn(SOURCE, reason.as_str(), text);
    }

    pub(super) fn put(&mut self, name: &str, point: Place, parts: &Parts) {
        if parts.longest() > self.most {
            self.lose(
                name,
                DropReason::TooLarge,
                "a line is longer than a datagram",
            );
        } else if parts.text.len() > self.most {
            self.send();
            self.send_in_pieces(point, parts);
        } else {
            if self.text.len() + parts.text.len() > self.most {
                self.send();
            }
            self.text.push_str(&parts.text);
            self.points.push(point);
        }
    }

    /// Ends the export.
    pub(super) fn finish(&mut self) -> BatchOutcome {
        self.send();
        self.wire.end();
        core::mem::take(&mut self.outcome)
    }

    fn send(&mut self) {
        let text = core::mem::take(&mut self.text);
        let points = core::mem::take(&mut self.points);
        if let Err(error) = self.post(&text) {
            self.failed(&error, &points, true);
        }
    }

    /// Sends a point in pieces. What was sent in part is not sent again: the server would count it twice.
    fn send_in_pieces(&mut self, point: Place, parts: &Parts) {
        for (at, piece) in parts.pieces(self.most).into_iter().enumerate() {
            if let Err(error) = self.post(piece) {
                self.failed(&error, &[point], at == 0);
                return;
            }
        }
    }

    fn post(&mut self, lines: &str) -> std::io::Result<()> {
        match lines.strip_suffix('\n') {
            Some(datagram) => self.wire.send(datagram.as_bytes()),
            None => Ok(()),
        }
    }

    fn failed(&mut self, error: &std::io::Error, points: &[Place], again: bool) {
        let reason = reason(error);
        self.count(reason, points.len() as u64);
        if again {
            let points = points.iter().map(|(family, at)| (*family, *at..at + 1));
            self.outcome.again.extend(points);
        }
        let failure = &mut self.outcome.failure;
        failure.get_or_insert_with(|| format!("{}: {error}{}", self.server, advice(reason)));
    }

    fn count(&mut self, reason: DropReason, points: u64) {
        let lost = &mut self.outcome.lost;
        match lost.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, known)) => *known += points,
            None => lost.push((reason, points)),
        }
    }
}
