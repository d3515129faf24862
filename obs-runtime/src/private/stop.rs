//! Where an agent that has done enough is told so: before a model call or a tool call begins, and where the agent waits.
//!
//! The type of the value decides what a call does that may not begin, by the tiers of the probe ([`answers!`]). A `Result`
//! whose error can be made from [`AgentStopped`] says it. Any other call that can wait asks the agents around it to end, and
//! waits for that. What cannot wait, or has no agent that somebody ends, goes on, and that is counted.

use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::borrow::Cow;
use std::hash::{BuildHasher as _, DefaultHasher, RandomState};
use std::io;
use std::sync::LazyLock;

use pin_project_lite::pin_project;
use serde::Serialize;

use super::probe::{AnyProbe, FutureProbe, Probe, answers};
use crate::llm::agent::limits::Step;
use crate::llm::agent::{AGENT_STOPPED, overran};
use crate::llm::{AgentStopped, Frame, decides, frame};
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
    /// Whether it can say why.
    const SAYS: bool;

    /// The value that it gives; nothing if it cannot say why.
    fn value(stopped: AgentStopped) -> Option<T>;
}

/// It says so.
pub struct SaysStop<T>(PhantomData<fn(T)>);

/// It cannot say so.
pub struct GoesOn;

impl<T: HoldsStop> OnStop<T> for SaysStop<T> {
    const SAYS: bool = true;

    fn value(stopped: AgentStopped) -> Option<T> {
        Some(T::stopped(stopped))
    }
}

impl<T> OnStop<T> for GoesOn {
    const SAYS: bool = false;

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

impl<T, X: OnStop<T>> Answer<T, X> {
    /// Whether the call can say that its agent is stopped.
    pub fn says(&self) -> bool {
        X::SAYS
    }

    /// The value that says so.
    pub fn value(&self, stopped: AgentStopped) -> Option<T> {
        current::set_error(AGENT_STOPPED, &stopped.to_string());
        X::value(stopped)
    }
}

/// What wants to begin: a model call.
pub fn model_step() -> impl FnOnce(bool) -> Step {
    |_| Step::Model
}

/// What wants to begin: the call of a tool. `prints` tells its arguments from others, where that is asked for.
pub fn tool_step(
    name: impl Into<Cow<'static, str>>,
    prints: impl FnOnce(&mut Fingerprint),
) -> impl FnOnce(bool) -> Step {
    |is_asked| {
        let print = is_asked.then(|| {
            let mut fingerprint = Fingerprint::new();
            prints(&mut fingerprint);
            fingerprint.finish()
        });
        Step::Tool(name.into(), print.flatten())
    }
}

/// Begins a step of the agent that is open here. Returns that agent and why it may not begin.
fn begin(step: impl FnOnce(bool) -> Step) -> Option<(Frame, AgentStopped)> {
    let agent = decides()?;
    let stopped = agent.begin(&step(agent.tells_calls_apart()))?;
    Some((agent, stopped))
}

/// Asks before a synchronous call begins that can say that its agent is stopped, or goes on.
pub fn admit_now(step: impl FnOnce(bool) -> Step, says: bool) -> Option<AgentStopped> {
    let (_, stopped) = begin(step)?;
    if says {
        return Some(stopped);
    }
    overran(stopped.frame());
    None
}

/// Asks before a call begins that can wait.
pub fn admit(step: impl FnOnce(bool) -> Step, says: bool) -> Admitted {
    Admitted(match begin(step) {
        None => Admission::Yes,
        Some((_, stopped)) if says => Admission::No(Some(stopped)),
        Some((agent, stopped)) => {
            agent.ask_to_end(stopped.frame());
            if let Some(ends) = agent.ends_with(stopped.frame()) {
                Admission::Waits(ends, stopped, Sleep::until(clock::after(PATIENCE)))
            } else {
                overran(stopped.frame());
                Admission::Yes
            }
        }
    })
}

/// Whether a call may begin; why not, where it can say so.
pub struct Admitted(Admission);

enum Admission {
    Yes,
    No(Option<AgentStopped>),
    /// This agent is to end first.
    Waits(Frame, AgentStopped, Option<Sleep>),
}

/// How long a call waits for its agent to end: one that is blocked on the call cannot.
const PATIENCE: Duration = Duration::from_secs(1);

impl Future for Admitted {
    type Output = Option<AgentStopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AgentStopped>> {
        match &mut self.0 {
            Admission::No(stopped) => Poll::Ready(stopped.take()),
            Admission::Waits(agent, stopped, sleep) => {
                let is_over = sleep
                    .as_mut()
                    .is_none_or(|sleep| Pin::new(sleep).poll(cx).is_ready());
                if !is_over && agent.can_be_ended() {
                    agent.parks(cx.waker());
                    return Poll::Pending;
                }
                // The agent has ended, or is blocked on this call.
                overran(stopped.frame());
                self.0 = Admission::Yes;
                Poll::Ready(None)
            }
            Admission::Yes => Poll::Ready(None),
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
        if let Some(agent) = this.agent {
            agent.waits(cx.waker());
        }
        if let Some(body) = this.body.as_mut().as_pin_mut()
            && let Poll::Ready(value) = body.poll(cx)
        {
            if let Some(agent) = this.agent {
                agent.rests();
            }
            return Poll::Ready(value);
        }
        if let Some(sleep) = this.sleep
            && Pin::new(&mut *sleep).poll(cx).is_ready()
        {
            *this.sleep = None;
        }
        let Some(agent) = this.agent else {
            return Poll::Pending;
        };
        let Some(stopped) = agent.must_end() else {
            return Poll::Pending;
        };
        agent.rests();
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

    /// Takes `self`, which often is no argument but where the tool lives: it counts if it can be told apart, and alone it
    /// must be.
    pub fn receiver<T: ?Sized, X: Prints<T>>(&mut self, _: X, receiver: &T, is_alone: bool) {
        self.whole &= X::print(receiver, &mut self.hasher) || !is_alone;
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
