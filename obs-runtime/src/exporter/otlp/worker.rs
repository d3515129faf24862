//! The threads that send one signal's requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Error;
use crate::backoff::random;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{Limits, Protocol};
use crate::exporter::otlp::lane::{Job, Lane, Next, Verdict};
use crate::exporter::otlp::policy;
use crate::exporter::otlp::split;
use crate::exporter::otlp::spool::Stored;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::{Answer, Failure, PartialSuccess, Retry, Transport, remedy};
use crate::exporter::proxy;
use crate::guarded::guarded;
use crate::self_log;
use crate::self_obs;
use crate::self_obs::DropReason;
use crate::trace::suppress::own_thread;

/// The longest pause that a receiver can ask for before anything is sent to it again.
const MAX_HOLD: Duration = Duration::from_secs(60);

const TOO_LATE: &str = "the shutdown deadline passed";

struct Worker {
    lane: Arc<Lane>,
    transport: Box<dyn Transport>,
    limits: Limits,
    timeout: Duration,
    /// For the log.
    source: &'static str,
    /// As messages show it.
    url: String,
}

/// What is to happen to a request after an attempt or several.
enum Fate {
    Settled(Verdict),
    /// It may succeed later, and goes to disk; why it has not is said.
    Later(String),
}

/// Makes a lane and starts its first sender; whoever takes a request starts another if nobody waits for the next one, up
/// to [`Limits::requests`]. They end when the lane is closed.
pub(super) fn start(
    name: &'static str,
    transport: Box<dyn Transport>,
    target: &Target,
    limits: Limits,
) -> Result<Arc<Lane>, Error> {
    let lane = Lane::new(target, &limits);
    lane.enter(limits.requests);
    if target.protocol == Protocol::Grpc
        && let Some(found) = proxy::of_process(&target.endpoint.url)
    {
        let (url, variable, remedy) = (target.endpoint.shown(), found.variable, remedy::PAST_PROXY);
        let text = format!("{url}: {remedy}; it is named by {variable}");
        self_log::warn(name, "proxy", format_args!("{text}"));
        // Until a request succeeds without.
        lane.failed(&text);
    }
    let worker = Worker {
        lane: Arc::clone(&lane),
        transport,
        limits,
        timeout: target.timeout,
        source: name,
        url: target.endpoint.shown(),
    };
    worker.spawn()?;
    Ok(lane)
}

impl Drop for Worker {
    /// Leaves the lane, also if the thread cannot start, and if a dependency panics: nobody waits for a thread that is
    /// gone.
    fn drop(&mut self) {
        self.lane.exit();
    }
}

impl Worker {
    /// Starts the thread.
    fn spawn(mut self) -> Result<(), Error> {
        let (name, lane) = (self.source, Arc::clone(&self.lane));
        let run = move || {
            own_thread();
            self.run();
        };
        lane.has_begun(self_obs::start_thread(name, run)?);
        Ok(())
    }

    /// Sees to it that somebody waits for the next request while this one is sent.
    fn help(&self) {
        if !self.lane.enter(self.limits.requests) {
            return;
        }
        let Some(transport) = self.transport.another() else {
            return self.lane.exit();
        };
        let helper = Self {
            lane: Arc::clone(&self.lane),
            transport,
            limits: self.limits,
            timeout: self.timeout,
            source: self.source,
            url: self.url.clone(),
        };
        // Without it the others go on.
        let _ = helper.spawn();
    }

    fn run(&mut self) {
        loop {
            match self.lane.next() {
                Next::Send(job) => {
                    self.help();
                    if !self.send(job) {
                        return;
                    }
                }
                Next::Store(job) => self.lane.store(job, "the receiver does not answer"),
                Next::Resend(stored) => {
                    self.help();
                    let goes_on = self.resend(stored);
                    self.lane.has_resent();
                    if !goes_on {
                        return;
                    }
                }
                Next::Adopt => {
                    if let Some(spool) = &self.lane.spool {
                        spool.adopt();
                    }
                }
                Next::End => return,
            }
        }
    }

    /// Returns whether this sender can go on.
    fn send(&mut self, job: Job) -> bool {
        match guarded(|| self.deliver(&job.batch)) {
            Some(Fate::Settled(verdict)) => self.lane.settle(job, verdict),
            Some(Fate::Later(cause)) => self.lane.store(job, &cause),
            None => {
                let (items, reason) = (job.batch.items, DropReason::ExporterFailed);
                let cause = "a dependency panicked";
                self.lane.failed(&format!("{}: {cause}", self.url));
                let verdict = Verdict::lost(items, reason, cause);
                self.lane.settle(job, verdict);
                return false;
            }
        }
        true
    }

    /// Sends a request from the disk. Returns whether this sender can go on.
    fn resend(&mut self, stored: Stored) -> bool {
        let Some(spool) = self.lane.spool.clone() else {
            return true;
        };
        let batch = match spool.read(&stored) {
            Ok(batch) => Arc::new(batch),
            Err(cause) => {
                self_log::warn(self.source, "spool", format_args!("{cause}; given up"));
                let verdict = Verdict::lost(stored.items, DropReason::SpoolFailed, cause);
                self.lane.resent(&stored, verdict);
                return true;
            }
        };
        match guarded(|| self.deliver(&batch)) {
            Some(Fate::Settled(verdict)) => self.lane.resent(&stored, verdict),
            Some(Fate::Later(_)) => spool.put_back(stored),
            None => {
                spool.put_back(stored);
                return false;
            }
        }
        true
    }

    /// Sends one request, again if that may help, until its fate is known. With a spool there is one
    /// attempt: the others are made from the disk.
    fn deliver(&mut self, batch: &Arc<Batch>) -> Fate {
        let began = Instant::now();
        let has_spool = self.lane.spool.is_some();
        let lost = |reason, cause| Fate::Settled(Verdict::lost(batch.items, reason, cause));
        let later = |cause: &str| {
            if has_spool {
                Fate::Later(cause.to_owned())
            } else {
                lost(DropReason::Shutdown, cause.to_owned())
            }
        };
        let mut attempt = 0;
        loop {
            if !self.lane.hold() {
                return later("the receiver asked to wait");
            }
            let closing = self.lane.closing();
            let timeout = closing.map_or(self.timeout, |left| left.min(self.timeout));
            if timeout.is_zero() {
                return later(TOO_LATE);
            }
            attempt += 1;
            let nudges = self.lane.nudges();
            let failure = match self.transport.send(batch, timeout) {
                Answer::Accepted(partial) => {
                    self.lane.receiver_answered();
                    return Fate::Settled(self.accepted(batch, &partial));
                }
                Answer::Failed(failure) => failure,
            };
            let nobody_listened = failure.nobody_listens.then_some(nudges);
            self.lane.attempt_failed(nobody_listened);
            if failure.reason == DropReason::Timeout && timeout < self.timeout {
                // The end of the program was too near, not the receiver too slow.
                return later(TOO_LATE);
            }
            if let Retry::After(asked) = failure.retry {
                self.lane.hold_until(Instant::now() + asked.min(MAX_HOLD));
            }
            if failure.retry == Retry::Never {
                self.lane.receiver_answered();
            } else if has_spool {
                let pause = |failures| policy::backoff(&self.limits, failures, random());
                self.lane.receiver_failed(pause);
                self.note(&failure);
                // One line for all signals: nothing is lost.
                let line = self.line(&failure, "kept on disk");
                self_log::warn("obs-otlp", failure.reason.as_str(), format_args!("{line}"));
                return Fate::Later(failure.cause);
            }
            if failure.reason == DropReason::TooLarge
                && let Some(halves) = split::halve(batch, self.lane.signal)
            {
                self.say(&failure, "halved", "trying again in two halves");
                return Fate::Settled(self.deliver_parts(halves));
            }
            let Some(pause) = self.after(&failure, attempt, began.elapsed()) else {
                // A cause of its own: losses are said however often was tried again before.
                let what = format!(
                    "given up: {} {} lost",
                    batch.items,
                    self.lane.signal.items()
                );
                self.say(&failure, "given up", &what);
                return lost(failure.reason, failure.explained());
            };
            let what = if pause.is_zero() {
                "trying again at once".to_owned()
            } else {
                format!("trying again in {pause:.1?}")
            };
            self.say(&failure, failure.reason.as_str(), &what);
            if !self.lane.pause(Instant::now() + pause, nudges) {
                return lost(failure.reason, failure.explained());
            }
        }
    }

    /// Sends the parts of a request that was too large, each like a request of its own.
    fn deliver_parts(&mut self, parts: [Batch; 2]) -> Verdict {
        let mut all = Verdict::default();
        for part in parts {
            let part = Arc::new(part);
            all.add(match self.deliver(&part) {
                Fate::Settled(verdict) => verdict,
                Fate::Later(cause) => self.lane.keep(&part, cause),
            });
        }
        all
    }

    /// Returns the pause before the next attempt; `None` to give up.
    fn after(&self, failure: &Failure, attempt: u32, elapsed: Duration) -> Option<Duration> {
        // A program that ends does not wait for a receiver that is not there.
        let gone = matches!(
            failure.reason,
            DropReason::Unreachable | DropReason::Timeout
        );
        if gone && self.lane.closing().is_some() {
            return None;
        }
        policy::pause(&self.limits, failure.retry, attempt, elapsed, random())
    }

    fn accepted(&self, batch: &Batch, partial: &PartialSuccess) -> Verdict {
        let rejected = partial.rejected.min(batch.items);
        let (url, items, message) = (&self.url, batch.items, &partial.message);
        let text = format!("{url} rejected {rejected} of {items}: {message}");
        if rejected > 0 || !message.is_empty() {
            self_log::warn(self.source, "partial success", format_args!("{text}"));
        }
        if rejected > 0 {
            self.lane.failed(&text);
        } else {
            self.lane.works();
        }
        let cause = format!("rejected by the receiver: {}", partial.message);
        let mut verdict = Verdict {
            exported: batch.items - rejected,
            ..Verdict::default()
        };
        if rejected > 0 {
            verdict.add(Verdict::lost(rejected, DropReason::Rejected, cause));
        }
        verdict
    }

    /// Lines of one `cause` come once a minute. At the end its error says the same.
    fn say(&self, failure: &Failure, cause: &'static str, what: &str) {
        self.note(failure);
        if !self_log::Ending::has_begun() {
            let line = self.line(failure, what);
            self_log::warn(self.source, cause, format_args!("{line}"));
        }
    }

    /// Has health and the errors of flushes say how an attempt failed.
    fn note(&self, failure: &Failure) {
        self.lane.trouble(&failure.cause);
        self.lane
            .failed(&format!("{}: {}", self.url, failure.explained()));
    }

    fn line(&self, failure: &Failure, what: &str) -> String {
        let (url, text, remedy) = (&self.url, &failure.cause, failure.remedy);
        let comma = if remedy.is_empty() { "" } else { "; " };
        format!("{url}: {text}; {what}{comma}{remedy}")
    }
}

#[cfg(test)]
#[path = "senders_tests.rs"]
mod tests;
