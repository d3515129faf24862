//! One frame: its place among the others, and the sums of what was used in it.

use core::task::Waker;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::{Spent, slab};
use crate::llm::agent::limits::{Limits, Progress, Step};
use crate::llm::agent::{AgentStopped, StopReason};
use crate::lock::lock;
use crate::trace::frame::FrameId;
use crate::trace::local::local;

/// What an agent, a workflow, or a run or task of a pipeline has used so far.
///
/// `own` is what it used itself, `total` includes the agents inside of it. So what all agents inside of a
/// workflow used themselves adds up to the total of the workflow. The sums do not depend on sampling. A
/// frame may be kept and asked when its agent has ended.
///
/// ```
/// use obs_runtime::llm::{self, LlmCall, Spent, record_llm_call};
/// use obs_runtime::{agent, testing};
///
/// #[agent]
/// fn researcher() -> Spent {
///     record_llm_call(LlmCall::new("openai", "chat", "gpt-4o-mini").usage((1_200, 80)));
///     llm::frame().expect("an agent has a frame").own()
/// }
///
/// let captured = testing::capture(researcher);
/// assert_eq!(captured.value.to_string(), "1 model call, 0 tool calls, 1200 input and 80 output tokens, $0.000228");
/// assert!(llm::frame().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Frame(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: FrameId,
    /// The frame around this one. One that has closed is passed over, or chains of agents that begin
    /// others would grow for ever.
    around: Mutex<Option<Frame>>,
    is_closed: AtomicBool,
    name: Cow<'static, str>,
    sums: Mutex<Sums>,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Sums {
    own: Spent,
    total: Spent,
    late: u64,
}

impl Frame {
    pub(super) fn new(
        id: FrameId,
        around: Option<Self>,
        name: Cow<'static, str>,
        limits: Limits,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            around: Mutex::new(around),
            is_closed: AtomicBool::new(false),
            name,
            sums: Mutex::default(),
            progress: Mutex::new(Progress::new(limits)),
        }))
    }

    /// Returns the frame with this number, or the nearest one around it that is still open.
    pub(crate) fn find(id: FrameId) -> Option<Self> {
        Some(slab::find(id)?.frame)
    }

    pub(crate) fn id(&self) -> FrameId {
        self.0.id
    }

    /// Returns the name of the agent, workflow, pipeline or task.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns what was used by itself, without the agents inside.
    pub fn own(&self) -> Spent {
        lock(&self.0.sums).own.clone()
    }

    /// Returns what was used by itself and by all agents inside.
    pub fn total(&self) -> Spent {
        lock(&self.0.sums).total.clone()
    }

    /// Returns how many calls ended after the agent that made them: they are in the sums of this frame, the
    /// nearest one that was still open.
    pub fn late(&self) -> u64 {
        lock(&self.0.sums).late
    }

    /// Returns the frame around this one that is still open: that of the agent or workflow which called it.
    pub fn around(&self) -> Option<Self> {
        let mut around = lock(&self.0.around);
        while let Some(frame) = &*around
            && frame.is_passed_over()
        {
            let next = lock(&frame.0.around).clone();
            *around = next;
        }
        around.clone()
    }

    /// Its agent has ended. A frame whose agent was stopped still stops what goes on inside.
    pub(super) fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
        let wakers = lock(&self.0.progress).ended();
        // What they run is the program's, and may ask about this frame.
        for waker in wakers {
            waker.wake();
        }
    }

    /// A call waits for the end of the agent.
    pub(crate) fn parks(&self, waker: &Waker) {
        let waker = waker.clone();
        lock(&self.0.progress).park(waker);
    }

    /// The agent that ends when it is asked to, of this one and those out to the one that is stopped.
    pub(crate) fn ends_with(&self, stopped: &Self) -> Option<Self> {
        let mut is_last = false;
        let mut agents = self
            .outwards()
            .take_while(|agent| !core::mem::replace(&mut is_last, agent.id() == stopped.id()));
        agents.find(Self::can_be_ended)
    }

    /// Whether what is inside has no use for it.
    fn is_passed_over(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire) && !self.is_stopped()
    }

    pub(super) fn is_stopped(&self) -> bool {
        lock(&self.0.progress).is_stopped().is_some()
    }

    /// Returns how many model calls the agent may still begin; `None` without `max_steps`.
    pub fn steps_left(&self) -> Option<u64> {
        lock(&self.0.progress).steps_left()
    }

    /// Returns how many tool calls the agent may still begin; `None` without `max_tool_calls`.
    pub fn tool_calls_left(&self) -> Option<u64> {
        lock(&self.0.progress).tool_calls_left()
    }

    /// Returns for how long the agent may go on; `None` without `timeout`.
    pub fn time_left(&self) -> Option<Duration> {
        lock(&self.0.progress).time_left()
    }

    /// Returns why the agent was stopped, or, with `on_stop = "flag"`, which limit it went beyond first.
    pub fn stopped(&self) -> Option<StopReason> {
        lock(&self.0.progress).reason().cloned()
    }

    /// The limit that the agent has passed, as of now.
    pub(crate) fn passed(&self) -> Option<StopReason> {
        let mut progress = lock(&self.0.progress);
        progress.is_stopped();
        progress.reason().cloned()
    }

    /// Why the agent is stopped; nothing if it may go on.
    pub(crate) fn stopped_by(&self) -> Option<StopReason> {
        lock(&self.0.progress).is_stopped()
    }

    /// Begins a step of this agent. Returns who is stopped if it may not begin: the agent itself, or one around it.
    pub(crate) fn begin(&self, step: &Step) -> Option<AgentStopped> {
        let around = self.outwards().skip(1);
        let mut stopped = around.filter_map(|frame| {
            let reason = lock(&frame.0.progress).is_stopped()?;
            Some(AgentStopped::new(frame, reason))
        });
        stopped.next().or_else(|| {
            let reason = lock(&self.0.progress).begin(step)?;
            Some(AgentStopped::new(self.clone(), reason))
        })
    }

    /// The agents from this one out to the one that is stopped are to end where they wait, as what runs inside cannot say
    /// that it is stopped.
    pub(crate) fn ask_to_end(&self, stopped: &Self) {
        for frame in self.outwards() {
            let waker = lock(&frame.0.progress).end();
            // What it runs is the program's, and may ask about this frame.
            if let Some(waker) = waker {
                waker.wake();
            }
            if frame.id() == stopped.id() {
                break;
            }
        }
    }

    /// Whom to wake when the agent is to end.
    pub(crate) fn waits(&self, waker: &Waker) {
        let known = |progress: &Progress| {
            let known = progress.waker.as_ref();
            known.is_some_and(|known| known.will_wake(waker))
        };
        if !known(&lock(&self.0.progress)) {
            let waker = waker.clone();
            let before = lock(&self.0.progress).waker.replace(waker);
            drop(before);
        }
    }

    /// Nobody works on the agent any more.
    pub(crate) fn rests(&self) {
        let before = lock(&self.0.progress).waker.take();
        drop(before);
    }

    /// Whether somebody works on the agent who ends it when it is asked to.
    pub(crate) fn can_be_ended(&self) -> bool {
        !self.0.is_closed.load(Ordering::Acquire) && lock(&self.0.progress).waker.is_some()
    }

    /// Whether the arguments of its tool calls are to be told apart.
    pub(crate) fn tells_calls_apart(&self) -> bool {
        lock(&self.0.progress).tells_calls_apart()
    }

    /// Returns why the agent must end now, if it must.
    pub(crate) fn must_end(&self) -> Option<AgentStopped> {
        let mut own = lock(&self.0.progress);
        if let Some(reason) = own.must_end() {
            drop(own);
            return Some(AgentStopped::new(self.clone(), reason));
        }
        let is_asked = own.is_asked();
        drop(own);
        let mut stopped = self.outwards().skip(1).filter_map(|frame| {
            let reason = lock(&frame.0.progress).is_stopped()?;
            Some(AgentStopped::new(frame, reason))
        });
        stopped.next().filter(|_| is_asked)
    }

    /// Something was begun though the agent is stopped.
    pub(crate) fn overran(&self) {
        lock(&self.0.progress).overruns += 1;
    }

    /// Returns how many calls began though the agent was stopped: those of tasks and threads that cannot say so.
    pub fn overruns(&self) -> u64 {
        lock(&self.0.progress).overruns
    }

    /// Adds something that was done in this frame to it and to all around it.
    pub(super) fn add(&self, spent: &Spent) {
        lock(&self.0.sums).own += spent;
        for frame in self.outwards() {
            lock(&frame.0.sums).total += spent;
        }
    }

    /// Counts something that was done in a frame inside which had ended.
    pub(super) fn add_late(&self) {
        lock(&self.0.sums).late += 1;
    }

    /// This frame and those around it, the innermost first.
    fn outwards(&self) -> impl Iterator<Item = Self> {
        core::iter::successors(Some(self.clone()), Self::around)
    }
}

impl Drop for Inner {
    /// Lets go of the frames around it one after the other: one inside the other they would take as much stack as the
    /// chain is long.
    fn drop(&mut self) {
        let mut around = lock(&self.around).take();
        while let Some(frame) = around {
            around = Arc::into_inner(frame.0).and_then(|inner| lock(&inner.around).take());
        }
    }
}

/// Returns the frame of the innermost agent, workflow, run or task of a pipeline that runs here; `None` outside of all.
///
/// It is found across awaits, in tasks that were spawned with
/// [`in_current_span`](crate::Instrument::in_current_span), and on threads to which a
/// [`SpanContext`](crate::SpanContext) was attached.
pub fn frame() -> Option<Frame> {
    Frame::find(local().frame.get())
}
