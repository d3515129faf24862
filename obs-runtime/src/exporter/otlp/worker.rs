//! The thread that sends one signal's requests, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{Limits, Target};
use crate::exporter::otlp::lane::{Lane, Next, Verdict};
use crate::exporter::otlp::policy;
use crate::exporter::otlp::transport::{Answer, Failure, PartialSuccess, Retry, Transport};
use crate::self_log;
use crate::self_obs::DropReason;

/// The longest pause that a receiver can ask for before anything is sent to it again.
const MAX_HOLD: Duration = Duration::from_secs(60);

const TOO_LATE: &str = "the shutdown deadline passed";

/// Something to do at regular times, such as collecting metrics.
pub(super) struct Ticker {
    pub(super) interval: Duration,
    pub(super) tick: Box<dyn FnMut() + Send>,
}

struct Worker {
    lane: Arc<Lane>,
    transport: Box<dyn Transport>,
    limits: Limits,
    timeout: Duration,
    /// For the log.
    source: &'static str,
    url: String,
    /// The receiver asked for silence until then.
    hold: Option<Instant>,
}

/// Starts the thread. It ends when the lane is closed.
pub(super) fn start(
    name: &'static str,
    lane: &Arc<Lane>,
    transport: Box<dyn Transport>,
    target: &Target,
    limits: Limits,
    ticker: Option<Ticker>,
) -> Result<(), Error> {
    let mut worker = Worker {
        lane: Arc::clone(lane),
        transport,
        limits,
        timeout: target.timeout,
        source: name,
        url: target.endpoint.url.clone(),
        hold: None,
    };
    let run = move || {
        // Ends the lane also if a dependency panics: nobody waits for a thread that is gone.
        let _end = EndOnDrop(Arc::clone(&worker.lane));
        worker.run(ticker);
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map(drop)
        .map_err(|e| Error::new(ErrorKind::State, format!("thread {name} cannot start: {e}")))
}

struct EndOnDrop(Arc<Lane>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Worker {
    fn run(&mut self, mut ticker: Option<Ticker>) {
        let mut due = ticker.as_ref().map(|t| Instant::now() + t.interval);
        loop {
            match self.lane.next(due) {
                Next::Send(batch) => {
                    let batch = Arc::new(batch);
                    let verdict = self.deliver(&batch);
                    let spare = Arc::into_inner(batch).map(Batch::into_spare);
                    self.lane.settle(&verdict, spare);
                }
                Next::Tick => {
                    if let Some(ticker) = &mut ticker {
                        (ticker.tick)();
                        due = Some(Instant::now() + ticker.interval);
                    }
                }
                Next::End => return,
            }
        }
    }

    /// Sends one request, again if that may help, until its fate is known.
    fn deliver(&mut self, batch: &Arc<Batch>) -> Verdict {
        let began = Instant::now();
        let mut attempt = 0;
        loop {
            if let Some(until) = self.hold.take()
                && !self.lane.hold(until)
            {
                self.hold = Some(until);
                return lost(batch, DropReason::Shutdown, "the receiver asked to wait");
            }
            let closing = self.lane.closing();
            let timeout = closing.map_or(self.timeout, |left| left.min(self.timeout));
            if timeout.is_zero() {
                return lost(batch, DropReason::Shutdown, TOO_LATE);
            }
            attempt += 1;
            let nudges = self.lane.nudges();
            let failure = match self.transport.send(batch, timeout) {
                Answer::Accepted(partial) => return self.accepted(batch, &partial),
                Answer::Failed(failure) => failure,
            };
            if failure.reason == DropReason::Timeout && timeout < self.timeout {
                // The end of the program was too near, not the receiver too slow.
                return lost(batch, DropReason::Shutdown, TOO_LATE);
            }
            let pause = self.after(&failure, attempt, began.elapsed());
            self.say(&failure, pause);
            let Some(pause) = pause else {
                return lost(batch, failure.reason, &failure.cause);
            };
            if !self.lane.pause(Instant::now() + pause, nudges) {
                return lost(batch, failure.reason, &failure.cause);
            }
        }
    }

    /// The pause before the next attempt; `None` to give up.
    fn after(&mut self, failure: &Failure, attempt: u32, elapsed: Duration) -> Option<Duration> {
        if let Retry::After(asked) = failure.retry {
            self.hold = Some(Instant::now() + asked.min(MAX_HOLD));
        }
        // A program that ends does not wait for a receiver that is not there.
        let gone = matches!(
            failure.reason,
            DropReason::Unreachable | DropReason::Timeout
        );
        if gone && self.lane.closing().is_some() {
            return None;
        }
        policy::pause(
            &self.limits,
            failure.retry,
            attempt,
            elapsed,
            policy::jitter(),
        )
    }

    fn accepted(&self, batch: &Batch, partial: &PartialSuccess) -> Verdict {
        let rejected = partial.rejected.min(batch.items);
        if rejected > 0 || !partial.message.is_empty() {
            self_log::warn(
                self.source,
                "partial success",
                format_args!(
                    "{} rejected {rejected} of {}: {}",
                    self.url, batch.items, partial.message
                ),
            );
        }
        Verdict {
            exported: batch.items - rejected,
            lost: rejected,
            reason: DropReason::Rejected,
            cause: format!("rejected by the receiver: {}", partial.message),
        }
    }

    fn say(&self, failure: &Failure, pause: Option<Duration>) {
        let cause = failure.reason.as_str();
        let (url, text) = (&self.url, &failure.cause);
        match pause {
            Some(pause) => self_log::warn(
                self.source,
                cause,
                format_args!("{url}: {text}; trying again in {pause:.1?}"),
            ),
            None => self_log::warn(self.source, cause, format_args!("{url}: {text}; given up")),
        }
    }
}

fn lost(batch: &Batch, reason: DropReason, cause: &str) -> Verdict {
    Verdict {
        exported: 0,
        lost: batch.items,
        reason,
        cause: cause.to_owned(),
    }
}
