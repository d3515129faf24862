//! What a workflow knows of itself: whose it is, why it runs, and how far it is.

use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::thread::LocalKey;
use std::time::SystemTime;

use tokio::time::Instant;

use super::Step;
pub(super) use super::history::Phase;
use super::history::{Checkpoint, Log, StepEvent};
use super::label::{Label, StepKind};
use super::observed::{Place, observed};
use crate::lock::lock;
use crate::run_id::run_id;
use crate::trace::current;
use crate::trace::propagation::Baggage;
use crate::trace::propagation::ambient::{self, Ambient, Slot, Within};
use crate::{Instrument as _, SpanContext};

/// What a workflow knows of itself, for all of its steps: ids that tie it to a request and to what caused it, baggage,
/// tags, data, and the checkpoints that it has passed.
///
/// [`run`](Self::run) runs a flow in it: inside, [`current`](Self::current) is the context, steps name its ids on their
/// spans, and log lines have them. A clone is the same context; a [`child`](Self::child) is another one, of the same
/// correlation.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use obs_runtime::steps::{WorkflowContext, step};
///
/// let greet = step("greet", async |()| {
///     let context = WorkflowContext::current().ok_or("no workflow")?;
///     let user = context.data::<&str>("user_id").ok_or("no user")?;
///     Ok::<_, &str>(format!("{}: hello {user}", context.correlation_id()))
/// });
/// let context = WorkflowContext::new("welcome")
///     .with_correlation_id("req-123")
///     .with_data("user_id", "user-789");
/// assert_eq!(context.run(&greet, ()).await.as_deref(), Ok("req-123: hello user-789"));
/// # });
/// ```
#[derive(Clone)]
pub struct WorkflowContext(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    name: Cow<'static, str>,
    workflow_id: Arc<str>,
    correlation_id: Arc<str>,
    causation_id: Option<Arc<str>>,
    session_id: Option<Arc<str>>,
    /// The span that a run continues where none is entered.
    parent: Option<SpanContext>,
    began: Instant,
    state: Own<State>,
    log: Arc<Mutex<Log>>,
}

/// What may change while the workflow runs. Data are shared but cannot be changed, so a copy is deep.
#[derive(Clone, Default)]
struct State {
    baggage: Baggage,
    tags: BTreeMap<String, String>,
    data: BTreeMap<Cow<'static, str>, Arc<dyn Any + Send + Sync>>,
}

/// A lock whose clone is a copy of what is in it.
#[derive(Default)]
struct Own<T>(Mutex<T>);

impl<T: Clone> Clone for Own<T> {
    fn clone(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }
}

impl WorkflowContext {
    /// Creates a context with new ids. The name is that of the workflow, and a label of its metrics: one of few.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let id = || -> Arc<str> { run_id(SystemTime::now()).into() };
        Self(Arc::new(Inner {
            name: name.into(),
            workflow_id: id(),
            correlation_id: id(),
            causation_id: None,
            session_id: None,
            parent: None,
            began: Instant::now(),
            state: Own::default(),
            log: Arc::default(),
        }))
    }

    /// Returns the context of the workflow that runs here, if one does.
    pub fn current() -> Option<Self> {
        ambient::current::<Self>().map(|context| (*context).clone())
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the id that ties together all work for one request, wherever it is done.
    #[must_use]
    pub fn with_correlation_id(self, id: impl Into<Arc<str>>) -> Self {
        self.change(|inner| inner.correlation_id = id.into())
    }

    /// Sets the id of what caused the workflow.
    #[must_use]
    pub fn with_causation_id(self, id: impl Into<Arc<str>>) -> Self {
        self.change(|inner| inner.causation_id = Some(id.into()))
    }

    /// Sets the id of the session that the workflow is a part of.
    #[must_use]
    pub fn with_session_id(self, id: impl Into<Arc<str>>) -> Self {
        self.change(|inner| inner.session_id = Some(id.into()))
    }

    /// Sets the span under which the workflow runs where no span is entered: that of a request, as
    /// [`propagation::extract`](crate::propagation::extract) reads it.
    #[must_use]
    pub fn with_parent(self, parent: Option<SpanContext>) -> Self {
        self.change(|inner| inner.parent = parent)
    }

    /// Sets the baggage: inside of the workflow it is [`Baggage::current`].
    #[must_use]
    pub fn with_baggage(self, baggage: Baggage) -> Self {
        self.change(|inner| lock(&inner.state.0).baggage = baggage)
    }

    /// Adds a tag: a key and a value on the workflow's span, as `obs.tag.…`.
    #[must_use]
    pub fn with_tag(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.change(|inner| {
            lock(&inner.state.0).tags.insert(key.into(), value.into());
        })
    }

    /// Adds data for the steps. It is not recorded.
    #[must_use]
    pub fn with_data<T: Any + Send + Sync>(
        self,
        key: impl Into<Cow<'static, str>>,
        value: T,
    ) -> Self {
        let this = self.change(|_| {});
        this.set_data(key, value);
        this
    }

    /// Returns the name of the workflow.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the id of the workflow, which sorts by time.
    pub fn workflow_id(&self) -> &str {
        &self.0.workflow_id
    }

    /// Returns the id that ties together all work for one request.
    pub fn correlation_id(&self) -> &str {
        &self.0.correlation_id
    }

    /// Returns the id of what caused the workflow, if something is known to have.
    pub fn causation_id(&self) -> Option<&str> {
        self.0.causation_id.as_deref()
    }

    /// Returns the id of the session, if there is one.
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id.as_deref()
    }

    /// Returns the span under which the workflow runs where no span is entered.
    pub fn parent(&self) -> Option<SpanContext> {
        self.0.parent
    }

    /// Returns the baggage.
    pub fn baggage(&self) -> Baggage {
        lock(&self.0.state.0).baggage.clone()
    }

    /// Returns the tags, by key.
    pub fn tags(&self) -> BTreeMap<String, String> {
        lock(&self.0.state.0).tags.clone()
    }

    /// Returns data of this key and type: `None` if there is none, or if it is of another type.
    pub fn data<T: Any + Send + Sync>(&self, key: &str) -> Option<Arc<T>> {
        let found = lock(&self.0.state.0).data.get(key).cloned();
        found?.downcast().ok()
    }

    /// Sets data for the steps that follow, in place of an older value.
    pub fn set_data<T: Any + Send + Sync>(&self, key: impl Into<Cow<'static, str>>, value: T) {
        let before = lock(&self.0.state.0)
            .data
            .insert(key.into(), Arc::new(value));
        // Dropped outside of the lock: it may run code of the program.
        drop(before);
    }

    /// Returns the time since the workflow began, which is when its context was made.
    pub fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Notes that the workflow has come so far; the entered span gets an event of this name.
    pub fn checkpoint(&self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        current::add_event(name.clone());
        self.pass(name, Phase::Passed);
    }

    pub(super) fn pass(&self, name: Cow<'static, str>, phase: Phase) {
        let mut log = lock(&self.0.log);
        // Inside of the lock, so that times do not decrease.
        let at = self.0.began.elapsed();
        log.pass(Checkpoint { name, phase, at });
    }

    pub(super) fn note(&self, event: impl FnOnce() -> StepEvent) {
        lock(&self.0.log).note(event());
    }

    /// Returns the checkpoints that were passed, in their order: those of [`checkpoint`](Self::checkpoint), and the
    /// start and end of every step. Of more than 1,024 the first are kept.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        lock(&self.0.log).checkpoints.clone()
    }

    /// Returns what steps decided on the way: routes, timeouts, repetitions. Of more than 1,024 the first are kept.
    pub fn history(&self) -> Vec<StepEvent> {
        lock(&self.0.log).events.clone()
    }

    /// Returns how many checkpoints and events were not kept, because there were too many.
    pub fn left_out(&self) -> usize {
        lock(&self.0.log).left_out
    }

    /// Returns a context for work that this one causes: another workflow id, the same correlation id, whose cause is
    /// this one's correlation id, under the span that is entered here. Baggage, tags and data are copies; checkpoints
    /// are its own. The child of a workflow that is not sampled is not sampled.
    #[must_use]
    pub fn child(&self) -> Self {
        let branch = self.branch();
        branch.change(|inner| {
            inner.workflow_id = run_id(SystemTime::now()).into();
            inner.began = Instant::now();
            inner.log = Arc::default();
        })
    }

    /// The context of a branch: what it changes is its own, how far it is all see.
    pub(super) fn branch(&self) -> Self {
        let mut inner = (*self.0).clone();
        inner.causation_id = Some(Arc::clone(&inner.correlation_id));
        inner.parent = SpanContext::current().or(inner.parent);
        Self(Arc::new(inner))
    }

    /// Runs a step in this context, inside a span of the workflow.
    ///
    /// # Errors
    /// As the step.
    #[track_caller]
    pub fn run<I, S>(
        &self,
        step: &S,
        input: I,
    ) -> impl Future<Output = Result<S::Output, S::Error>> + Send
    where
        I: Send,
        S: Step<I>,
    {
        let label = Label::new(StepKind::Workflow, &self.0.name, Location::caller());
        let context = self.clone();
        async move {
            let work = observed(label, Place::NONE, step.call(input));
            let parent = SpanContext::current().or(context.0.parent);
            let has_span = SpanContext::current().is_some();
            let work = context.clone().scope(work);
            if has_span || parent.is_none() {
                work.await
            } else {
                work.in_span_context(parent).await
            }
        }
    }

    /// Runs a future with this as the [`current`](Self::current) context, and with its baggage. A task that is spawned
    /// has none: it is given this, or a [`child`](Self::child).
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let baggage = self.baggage();
        let inside = Within::new(future, Arc::new(self));
        if baggage.is_empty() {
            inside.await
        } else {
            baggage.scope(inside).await
        }
    }
}

thread_local! {
    static CURRENT: Slot<WorkflowContext> = const { RefCell::new(None) };
}

impl Ambient for WorkflowContext {
    fn slot() -> &'static LocalKey<Slot<Self>> {
        &CURRENT
    }
}

/// Its names and ids. Data are the program's own, and tags and baggage may hold what users typed.
impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowContext")
            .field("name", &self.0.name)
            .field("workflow_id", &self.0.workflow_id)
            .field("correlation_id", &self.0.correlation_id)
            .field("causation_id", &self.0.causation_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
