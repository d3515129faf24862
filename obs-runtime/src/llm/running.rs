//! Telling the running call what it used, from anywhere inside its body.
//!
//! A call opens a place on the thread while its body works (`trace/open_call.rs`), whether or not it is sampled. What
//! is reported there is counted whatever becomes of the call: an error, a panic, a drop.

use core::any::Any;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use crate::clock::Moment;
use crate::llm::attempt::Attempt;
use crate::llm::call::{LlmCall, record_llm_call};
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
use crate::llm::client_span::ClientSpan;
use crate::llm::pace::StreamTimes;
use crate::llm::request::Request;
use crate::llm::usage::IntoUsage;
use crate::lock::lock;
use crate::semconv::OTHER;
use crate::trace::InContext;
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
use crate::trace::open_call::Judge;
use crate::trace::open_call::{self, Open, OpenCall, Place};
use crate::{Instrument as _, self_log, self_obs};

/// A call that runs, to which anybody inside may report.
pub(crate) type Shared = Arc<Mutex<LlmCall>>;

/// What is said of a report to a call that has ended.
const LATE: &str = "a model call was told what it used after it had ended, which is not counted: wait for spawned tasks, \
    and read the answer's body, in the body of the `#[llm_call]`; `health()` counts such reports as late";

/// Counts a report that came too late.
fn late() {
    self_obs::count_late();
    self_log::once(LATE.to_owned());
}

/// The innermost model call that runs here.
///
/// It finds the call of the task: across awaits, and in a task that was spawned with
/// [`in_current_span`](crate::Instrument::in_current_span). Elsewhere, such as on a thread of a pool, it is taken along.
///
/// ```
/// use obs_runtime::{llm, llm_call};
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn ask() {
///     let call = llm::RunningCall::current().unwrap();
///     std::thread::spawn(move || call.answered((1_200, 80))).join().unwrap();
/// }
/// # ask();
/// assert!(llm::RunningCall::current().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct RunningCall {
    pub(super) call: Shared,
    /// The attempt inside of which this is asked.
    within: Option<usize>,
}

impl OpenCall for Mutex<LlmCall> {
    #[cfg(any(feature = "tracing", feature = "opentelemetry"))]
    fn client_span(
        self: Arc<Self>,
        client: &'static str,
        keys: &[&'static str],
        within: Option<usize>,
    ) -> Box<dyn Judge> {
        let call = RunningCall { call: self, within };
        Box::new(ClientSpan::new(call, client, keys))
    }
}

impl RunningCall {
    /// Returns the innermost call whose body runs on this thread.
    pub fn current() -> Option<Self> {
        let place = open_call::running()?;
        let call: Arc<dyn Any + Send + Sync> = place.call;
        let call = Arc::downcast::<Mutex<LlmCall>>(call).ok()?;
        Some(Self {
            call,
            within: place.within,
        })
    }

    /// Reports an answer of the provider, as [`answered`] does.
    pub fn answered(&self, answer: impl IntoUsage) {
        // The user's conversion runs without the lock.
        let said = answer.into_llm_response();
        let mut call = lock(&self.call);
        if call.attempts.is_closed() {
            drop(call);
            return late();
        }
        call.heard();
        call.looked_at(&said);
        call.attempts.body(said);
    }

    /// Returns how the chunks of the call's stream have come so far; `None` if its stream is not followed.
    pub fn stream_times(&self) -> Option<StreamTimes> {
        let call = lock(&self.call);
        call.pace.as_ref().map(|pace| pace.times(Moment::now()))
    }

    /// Says what is asked for, as [`asked`] does.
    pub fn asked(&self, request: Request) {
        lock(&self.call).request.merge(request);
    }

    /// Returns the attempts that were reported so far.
    ///
    /// ```
    /// use obs_runtime::{llm, llm_call};
    ///
    /// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
    /// fn ask() -> usize {
    ///     llm::attempt("sdk").status(429, None);
    ///     llm::RunningCall::current().map_or(0, |call| call.attempts().len())
    /// }
    /// assert_eq!(ask(), 1);
    /// ```
    pub fn attempts(&self) -> Vec<Attempt> {
        lock(&self.call).attempts.iter().cloned().collect()
    }

    /// Whether the call says that it asks this server.
    #[cfg(feature = "reqwest")]
    pub(crate) fn asks(&self, host: &str) -> bool {
        let call = lock(&self.call);
        let server = call.request.server.as_ref();
        server.is_some_and(|(server, _)| server.eq_ignore_ascii_case(host))
    }

    /// Begins an attempt, as [`attempt`] does.
    pub fn attempt(&self, layer: &'static str) -> RunningAttempt {
        let mut call = lock(&self.call);
        if call.attempts.is_closed() {
            drop(call);
            late();
            return RunningAttempt { call: None, at: 0 };
        }
        call.heard();
        let at = call.attempts.layer(layer, self.within);
        RunningAttempt {
            call: Some(Arc::clone(&self.call)),
            at,
        }
    }
}

/// Reports what a provider answered to the running [`#[llm_call]`](crate::llm_call): it is counted and priced from here
/// on, whatever fails later.
///
/// A report that says what an earlier one said changes nothing; one with another id, or after the last word on the
/// usage, is a further attempt. Outside of a call it is a call of its own, to a provider that is not known: shared code
/// may report without asking who uses it.
///
/// ```
/// use obs_runtime::{llm, llm_call};
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn extract(text: &str) -> Result<u32, std::num::ParseIntError> {
///     // The provider has answered: that is paid, even if the answer makes no sense.
///     llm::answered(llm::Usage::new(1_200, 80).nothing_else());
///     text.parse()
/// }
///
/// # let obs = obs_runtime::Observability::builder().install().unwrap();
/// extract("many").unwrap_err();
/// assert_eq!(obs.llm_totals().cost.to_string(), "$0.000228");
/// ```
pub fn answered(answer: impl IntoUsage) {
    let said = answer.into_llm_response();
    if let Some(call) = RunningCall::current() {
        call.answered(said);
    } else {
        let model = said.model.clone().unwrap_or_default();
        record_llm_call(LlmCall::new(OTHER, "chat", model).usage(said));
    }
}

/// Says what the running call asks of the provider: what bounds its cost, and who is asked.
///
/// Outside of a call nothing is recorded. See [`Request`].
pub fn asked(request: Request) {
    if let Some(call) = RunningCall::current() {
        call.asked(request);
    }
}

/// Begins an attempt of the running call, for a layer of a client that sees each request: `layer` names it.
///
/// Outside of a call nothing is recorded.
///
/// ```
/// use obs_runtime::{llm, llm_call};
/// use std::time::Duration;
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn ask() {
///     let attempt = llm::attempt("my-client");
///     attempt.status(429, Some(Duration::from_secs(2)));
///     drop(attempt);
///
///     let attempt = llm::attempt("my-client");
///     attempt.status(200, None);
///     attempt.answered(llm::Usage::new(1_200, 80).nothing_else());
/// }
/// # let obs = obs_runtime::Observability::builder().install().unwrap();
/// ask();
/// assert!(obs.llm_totals().cost.is_exact());
/// ```
pub fn attempt(layer: &'static str) -> RunningAttempt {
    RunningCall::current().map_or(RunningAttempt { call: None, at: 0 }, |call| {
        call.attempt(layer)
    })
}

/// An attempt that a layer watches, see [`attempt`]. It has ended when this is dropped; without a report of its usage,
/// or a status that proves a refusal, what it cost is unknown.
#[derive(Debug)]
#[must_use = "the attempt ends when this is dropped"]
pub struct RunningAttempt {
    call: Option<Shared>,
    at: usize,
}

impl RunningAttempt {
    /// Sets the status of the HTTP response, and how long its `Retry-After` asks to wait.
    ///
    /// `4xx` proves a refusal, which is free; not `408`, no `5xx`, and of Azure not `400`, which its content filter
    /// answers and bills.
    pub fn status(&self, status: u16, retry_after: Option<Duration>) {
        // Azure charges for prompts that its content filter refuses with 400 (Microsoft, "Plan to manage costs").
        let bills = |provider: &str| provider.starts_with("azure");
        self.change(|call, at| {
            let bills = bills(&call.provider);
            call.attempts.status(at, status, retry_after, bills);
        });
    }

    /// Reports what the provider said of the answer; several reports of one attempt come together.
    pub fn answered(&self, answer: impl IntoUsage) {
        let said = answer.into_llm_response();
        let says_usage = said.usage.is_some() || said.cost_usd.is_some();
        let is_late = self.change(|call, at| {
            let closed = call.attempts.is_closed();
            call.looked_at(&said);
            call.attempts.said(at, said);
            closed
        });
        if says_usage && is_late == Some(true) {
            late();
        }
    }

    /// Says that the provider refused the request, which is free; what it reports as used is paid nevertheless.
    pub fn refused(&self) {
        self.change(|call, at| call.attempts.refused(at));
    }

    /// Says whom the request asks.
    #[cfg(any(feature = "reqwest", feature = "tracing", feature = "opentelemetry"))]
    pub(crate) fn server(&self, host: String, port: Option<u16>) {
        self.change(|call, at| call.attempts.server(at, (host.into(), port)));
    }

    /// Says that the request was not to a model: it is no attempt.
    #[cfg(feature = "reqwest")]
    pub(crate) fn withdraw(&self) {
        self.change(|call, at| call.attempts.withdraw(at));
    }

    /// Does the work of this attempt: a request that a layer below sees there is this one, and repeats of it are further
    /// attempts. So attempts that run at once are told apart.
    ///
    /// ```
    /// use obs_runtime::{llm, llm_call};
    ///
    /// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
    /// fn ask() -> usize {
    ///     let attempt = llm::attempt("framework");
    ///     attempt.run(|| llm::attempt("sdk").status(200, None));
    ///     llm::RunningCall::current().map_or(0, |call| call.attempts().len())
    /// }
    /// assert_eq!(ask(), 1);
    /// ```
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let _open = self.place().map(Open::new);
        work()
    }

    /// Does what [`run`](Self::run) does for a future, whenever it is polled.
    pub fn instrument<F: Future>(&self, work: F) -> InContext<F> {
        let place = self.place().or_else(open_call::running);
        work.in_current_span().in_call(place)
    }

    /// Where the work of this attempt reports to.
    pub(crate) fn place(&self) -> Option<Place> {
        let call: Shared = Arc::clone(self.call.as_ref()?);
        Some(Place {
            call,
            within: Some(self.at),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut LlmCall, usize) -> T) -> Option<T> {
        let mut call = lock(self.call.as_ref()?);
        call.heard();
        Some(change(&mut call, self.at))
    }
}

impl Drop for RunningAttempt {
    fn drop(&mut self) {
        self.change(|call, at| call.attempts.close(at));
    }
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
