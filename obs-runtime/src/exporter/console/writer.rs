//! Writes texts on a thread of their own: a terminal that takes nothing does not keep the drain.

use std::io::Write;
use std::sync::Arc;

use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue};
use crate::self_obs::{DropReason, ExporterCounters};

/// Texts that wait for a slow terminal or are being written.
pub(super) const QUEUE: usize = 64;

/// Hands texts to the thread `obs-console`, which starts with the first one.
///
/// What a terminal has not taken at the end stays in flight, and may be printed yet.
pub(super) type Writer = Delivery<String>;

/// Makes the writer to an output.
pub(super) fn writer(out: Box<dyn Write + Send>) -> Writer {
    let config = DeliveryConfig {
        thread: "obs-console".to_owned(),
        bound: QUEUE,
        late: "standard error did not take what was printed before the deadline",
        counters: Arc::new(ExporterCounters::new("console")),
    };
    Delivery::new(config, Output(out))
}

struct Output(Box<dyn Write + Send>);

impl Consumer<String> for Output {
    fn deliver(&mut self, text: String, _: &Queue<String>) -> Outcome {
        let written = self.0.write_all(text.as_bytes());
        let _ = self.0.flush();
        match written {
            Ok(()) => Outcome::default(),
            Err(_) => Outcome::all_lost(DropReason::Unreachable),
        }
    }

    fn has_an_end(&self) -> bool {
        false
    }
}
