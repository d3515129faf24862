//! Where an agent that has done enough is told so: before a model call or a tool call begins, and where the agent waits.
//!
//! The type of the value decides what a call does that may not begin, by the tiers of the probe ([`answers!`]). A `Result`
//! whose error can be made from [`AgentStopped`] says it. Any other call gives control back once, and the future of the
//! agent around it, which is polled by the same task, ends; if it is another task, the call goes on, and that is counted.

use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::borrow::Cow;
use std::hash::{BuildHasher as _, DefaultHasher, RandomState};
use std::io;
use std::sync::LazyLock;

use pin_project_lite::pin_project;
use serde::Serialize;

use super::probe::{AnyProbe, FutureProbe, Probe, answers};
use crate::llm::agent::limits::Step;
use crate::llm::agent::{AGENT_STOPPED, overran};
use crate::llm::{AgentStopped, Frame, frame};
use crate::timer::Sleep;
use crate::{clock, current};

/// A value that can say that an agent was stopped.
#[diagnostic::on_unimplemented(
    message = "this agent cannot say that it was stopped",
    label = "a limit needs a `Result` whose error implements `From<obs_runtime::llm::AgentStopped>`",
    note = "`on_stop = \"flag\"` lets the agent go on, and says on its span that it went beyond the limit"
)]
pub trait HoldsStop {
    fn stopped(stopped: AgentStopped) -> Self;
}

impl<T, E: From<AgentStopped>> HoldsStop for Result<T, E> {
    fn stopped(stopped: AgentStopped) -> Self {
        Err(stopped.into())
    }
}

/// What becomes of a call that gives a `T` and may not begin.
pub trait OnStop<T> {
    /// The value that it gives; nothing if it cannot say why.
    fn value(stopped: AgentStopped) -> Option<T>;
}

/// It says so.
pub struct SaysStop<T>(PhantomData<fn(T)>);

/// It cannot say so.
pub struct GoesOn;

impl<T: HoldsStop> OnStop<T> for SaysStop<T> {
    fn value(stopped: AgentStopped) -> Option<T> {
        Some(T::stopped(stopped))
    }
}

impl<T> OnStop<T> for GoesOn {
    fn value(_: AgentStopped) -> Option<T> {
        None
    }
}

answers! {
    impl[T: HoldsStop] Probe<T> {
        /// A `Result` whose error can be made from `AgentStopped`.
        __obs_stop -> SaysStop<T> = SaysStop(PhantomData);
    }

    impl[T] AnyProbe<T> {
        /// Anything else.
        __obs_stop -> GoesOn = GoesOn;
    }
}

/// A probe of a type that is written down.
#[inline(always)]
pub fn probe_type<T>() -> Probe<T> {
    Probe::new()
}

/// What becomes of a call that gives a `T`: the two have the same type, of which only parts may be written down.
pub struct Answer<T, X>(PhantomData<fn(T, X)>);

/// What a type says.
pub fn on_stop<T, X: OnStop<T>>(_: Probe<T>, _: X) -> Answer<T, X> {
    Answer(PhantomData)
}

/// Of calls whose type has no name.
pub fn goes_on<T>() -> Answer<T, GoesOn> {
    Answer(PhantomData)
}

/// What wants to begin: a model call.
pub fn model_step() -> impl FnOnce() -> Step {
    || Step::Model
}

/// What wants to begin: the call of a tool. `prints` tells its arguments from others.
pub fn tool_step(
    name: impl Into<Cow<'static, str>>,
    prints: impl FnOnce(&mut Fingerprint),
) -> impl FnOnce() -> Step {
    || {
        let mut fingerprint = Fingerprint::new();
        prints(&mut fingerprint);
        Step::Tool(name.into(), fingerprint.finish())
    }
}

/// Begins a step of the agent that is open here; returns why it may not begin, and the agent that is stopped.
fn begin(step: impl FnOnce() -> Step) -> Option<AgentStopped> {
    let stopped = frame()?.begin(&step())?;
    current::set_error(AGENT_STOPPED, &stopped.to_string());
    Some(stopped)
}

/// Asks before a synchronous call begins.
pub fn admit_now<T, X: OnStop<T>>(step: impl FnOnce() -> Step, _: Answer<T, X>) -> Option<T> {
    let stopped = begin(step)?;
    let agent = stopped.frame().clone();
    let value = X::value(stopped);
    if value.is_none() {
        overran(&agent);
    }
    value
}

/// Asks before a call begins that can wait.
pub fn admit<T, X: OnStop<T>>(step: impl FnOnce() -> Step, _: Answer<T, X>) -> Admitted<T> {
    let Some(stopped) = begin(step) else {
        return Admitted::Yes;
    };
    let agent = stopped.frame().clone();
    match X::value(stopped) {
        Some(value) => Admitted::No(Some(value)),
        None => Admitted::Asks(agent),
    }
}

/// Whether a call may begin: the value that it gives otherwise.
pub enum Admitted<T> {
    Yes,
    No(Option<T>),
    /// The agent is to be told.
    Asks(Frame),
    /// The agent was told, and ends before this is asked again if it is of the same task.
    Asked(Frame),
}

impl<T> Unpin for Admitted<T> {}

impl<T> Future for Admitted<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut *self {
            Self::Yes => Poll::Ready(None),
            Self::No(value) => Poll::Ready(value.take()),
            Self::Asks(agent) => {
                agent.ask_to_end();
                *self = Self::Asked(agent.clone());
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Asked(agent) => {
                overran(agent);
                *self = Self::Yes;
                Poll::Ready(None)
            }
        }
    }
}

pin_project! {
    /// The body of an agent with limits.
    pub struct UntilStopped<F> {
        #[pin]
        body: Option<F>,
        agent: Option<Frame>,
        sleep: Option<Sleep>,
    }
}

/// Runs the body of an agent until it is stopped. Its frame is open.
pub fn until_stopped<F: Future>(body: F) -> UntilStopped<F>
where
    F::Output: HoldsStop,
{
    let agent = frame();
    let left = agent.as_ref().and_then(Frame::time_left);
    UntilStopped {
        body: Some(body),
        agent,
        sleep: left.and_then(|left| Sleep::until(clock::after(left))),
    }
}

impl<F: Future> Future for UntilStopped<F>
where
    F::Output: HoldsStop,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(body) = this.body.as_mut().as_pin_mut()
            && let Poll::Ready(value) = body.poll(cx)
        {
            return Poll::Ready(value);
        }
        if let Some(sleep) = this.sleep
            && Pin::new(&mut *sleep).poll(cx).is_ready()
        {
            *this.sleep = None;
        }
        let Some(agent) = this.agent.as_ref() else {
            return Poll::Pending;
        };
        agent.waits(cx.waker());
        let Some(stopped) = agent.must_end() else {
            return Poll::Pending;
        };
        // What runs inside ends before the agent does, and is the agent's.
        this.body.set(None);
        Poll::Ready(F::Output::stopped(stopped))
    }
}

/// Checks that a value can say that an agent was stopped, whose calls alone end.
pub fn stops<T: HoldsStop>(_: Probe<T>) {}

/// Tells the arguments of a call from others, without keeping them: a hash whose key is the process's own.
pub struct Fingerprint {
    hasher: DefaultHasher,
    /// Every argument so far could be told.
    whole: bool,
}

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Fingerprint {
    fn new() -> Self {
        Self {
            hasher: KEYS.build_hasher(),
            whole: true,
        }
    }

    /// None where something cannot be told apart: then no call is taken for the same.
    fn finish(self) -> Option<u64> {
        self.whole.then(|| self.hasher.finish())
    }

    /// The tool may be called again with the same arguments.
    pub fn repeats(&mut self) {
        self.whole = false;
    }

    /// Takes an argument.
    pub fn add<T: ?Sized, X: Prints<T>>(&mut self, _: X, argument: &T) {
        self.whole &= X::print(argument, &mut self.hasher);
    }
}

/// How an argument is told from others.
pub trait Prints<T: ?Sized> {
    /// Whether it can be.
    fn print(argument: &T, into: &mut DefaultHasher) -> bool;
}

pub struct ByHash;
pub struct BySerialize;
pub struct ByNothing;

impl<T: Hash + ?Sized> Prints<T> for ByHash {
    fn print(argument: &T, into: &mut DefaultHasher) -> bool {
        argument.hash(into);
        true
    }
}

impl<T: Serialize + ?Sized> Prints<T> for BySerialize {
    fn print(argument: &T, into: &mut DefaultHasher) -> bool {
        struct Bytes<'a>(&'a mut DefaultHasher);

        impl io::Write for Bytes<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        serde_json::to_writer(Bytes(into), argument).is_ok()
    }
}

impl<T: ?Sized> Prints<T> for ByNothing {
    fn print(_: &T, _: &mut DefaultHasher) -> bool {
        false
    }
}

answers! {
    impl[T: Hash] Probe<T> {
        __obs_print -> ByHash = ByHash;
    }

    impl[T: Serialize] FutureProbe<T> {
        __obs_print -> BySerialize = BySerialize;
    }

    impl[T] AnyProbe<T> {
        __obs_print -> ByNothing = ByNothing;
    }
}
