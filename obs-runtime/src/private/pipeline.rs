//! What the expansions of `#[pipeline_task]` and of handlers call.

use core::any::{Any, type_name};
use core::time::Duration;
use std::sync::Arc;

use super::count::IntoCount;
use super::judge::Judge;
pub use super::probe::probe;
pub use crate::pipeline::about::{
    About, CacheRule, Effects, Version, check_kept, check_once, copied,
};
pub use crate::pipeline::blocking::blocking;
#[cfg(feature = "cache")]
pub use crate::pipeline::cached::{
    cache_key, cached, given_probe, key, key_of_parts, key_probe, part_probe,
};
pub use crate::pipeline::check::{check, check_moves, check_parallel, check_shared};
pub use crate::pipeline::handler::{
    HandlerCall, HandlerEntry, HandlerEvent, HandlerFuture, HandlerMeta, HandlerReturn,
};
pub use crate::pipeline::items::{Items, collect_all, collect_some, count_items, item};
pub use crate::pipeline::params::{FromOutput, TaskParam};
pub use crate::pipeline::plan::{AllowFailed, MapRule, RunIf, Times};
pub use crate::pipeline::registry::TaskEntry;
use crate::pipeline::result::TaskError;
pub use crate::pipeline::task::{
    Attempt, Attempted, Dependency, Mapping, Requirement, TaskMeta, TaskPolicy, Unmade, Use,
};
pub use crate::pipeline::telemetry::span_began;
pub use crate::pipeline::{Backoff, EffectKey, RetryPolicy, RunResult, TaskContext};
pub use crate::retry::Hint;
pub use std::borrow::Cow;
pub use std::vec::Vec;

/// The type beside an annotated task: what its output is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no task",
    note = "put `#[pipeline_task(pipeline = \"…\")]` on the function"
)]
pub trait PipelineTask {
    /// What one call of the function yields; of a `Result`, the `Ok` type.
    type Each: Send + Sync + 'static;
    /// What dependants get: the same, or a list of it if the task is mapped.
    type Output;
}

/// A parameter of type `P` that is the output `O` of a dependency. Only [`new`](Self::new) asks
/// whether the types fit: a mistake is reported once.
pub struct Taken<P, O> {
    /// Whether nobody else can have the output then.
    pub moves: bool,
    from_output: fn(Arc<O>) -> Option<P>,
}

impl Taken<(), ()> {
    /// How `P` is made of `O`.
    pub const fn new<P: FromOutput<O>, O>() -> Taken<P, O> {
        Taken {
            moves: P::MOVES,
            from_output: P::from_output,
        }
    }
}

impl<P, O> Taken<P, O> {
    /// How the task uses the output.
    pub const fn usage(&self) -> Use {
        if self.moves { Use::Move } else { Use::Read }
    }
}

impl<P, O: Any + Send + Sync> Taken<P, O> {
    /// The parameter, from the output of the dependency at `position`.
    ///
    /// # Errors
    /// When the output is not there.
    pub fn take(&self, context: &TaskContext, position: usize) -> Result<P, TaskError> {
        let output = context.dependency::<O>(position, self.moves)?;
        (self.from_output)(output).ok_or_else(|| context.gone(position))
    }
}

/// A parameter of type `P` that the run is given. As for [`Taken`], only [`new`](Self::new) judges.
pub struct Given<P> {
    /// What the run must be given for it.
    pub requirement: fn() -> Option<Requirement>,
    /// Its value in a run.
    pub get: fn(&TaskContext) -> Result<P, TaskError>,
}

impl Given<()> {
    /// How `P` is found.
    pub const fn new<P: TaskParam>() -> Given<P> {
        Given {
            requirement: P::requirement,
            get: P::get,
        }
    }
}

/// The output of the dependency at `position`, to be lent.
///
/// # Errors
/// When the output is not there.
pub fn shared<O: Any + Send + Sync>(
    context: &TaskContext,
    position: usize,
) -> Result<Arc<O>, TaskError> {
    context.dependency(position, false)
}

/// An attempt of an `async fn`.
pub fn attempt<F>(future: F) -> Attempt
where
    F: Future<Output = Result<Attempted, Unmade>> + Send + 'static,
{
    Box::pin(future)
}

/// What an attempt of a function that returns a `Result` yields.
///
/// # Errors
/// That of the function.
pub fn settle<K: PipelineTask, E>(
    returned: Result<K::Each, E>,
    judge: impl Judge<Result<K::Each, E>>,
    count: impl FnOnce(&K::Each) -> Option<u64>,
    hint: impl FnOnce(&E) -> Hint,
) -> Result<Attempted, Unmade> {
    match returned {
        Ok(value) => Ok(attempted(value, count)),
        Err(ref error) => {
            let hint = hint(error);
            let error = TaskError::of(judge.error(&returned, true));
            Err(Unmade::Failed(error, hint))
        }
    }
}

/// What an attempt of any other function yields. An alias of `Result` under another name fails the task too.
///
/// # Errors
/// The failure, if there is one.
pub fn settle_value<K: PipelineTask>(
    value: K::Each,
    judge: impl Judge<K::Each>,
    count: impl FnOnce(&K::Each) -> Option<u64>,
) -> Result<Attempted, Unmade> {
    if judge.failed(&value) {
        return Err(TaskError::of(judge.error(&value, true)).into());
    }
    Ok(attempted(value, count))
}

fn attempted<T: Any + Send + Sync>(value: T, count: impl FnOnce(&T) -> Option<u64>) -> Attempted {
    let records = count(&value);
    Attempted {
        value: Arc::new(value),
        records,
        is_cached: false,
    }
}

/// What the closure of `ok_if` or `error_if` says of a returned value.
pub fn says<T>(value: &T, closure: impl FnOnce(&T) -> bool) -> bool {
    closure(value)
}

/// Without `retry_if` and `retry_after`.
pub fn no_hint<E>(_: &E) -> Hint {
    Hint::None
}

/// What an error says of repetition: whether there is to be one, and how long after.
pub fn hint(again: bool, after: impl FnOnce() -> Option<Duration>) -> Hint {
    if !again {
        return Hint::Never;
    }
    after().map_or(Hint::None, Hint::After)
}

/// What the closure of `retry_after` says of an error.
pub fn pause_after<E, P: IntoPause>(error: &E, closure: impl FnOnce(&E) -> P) -> Option<Duration> {
    closure(error).into_pause()
}

/// What `retry_after` may return.
#[diagnostic::on_unimplemented(
    message = "`retry_after` returns a `Duration` or an `Option<Duration>`, not `{Self}`"
)]
pub trait IntoPause {
    fn into_pause(self) -> Option<Duration>;
}

impl IntoPause for Duration {
    fn into_pause(self) -> Option<Duration> {
        Some(self)
    }
}

impl IntoPause for Option<Duration> {
    fn into_pause(self) -> Option<Duration> {
        self
    }
}

/// What the closure of `when` says.
pub fn holds(closure: impl FnOnce() -> bool) -> bool {
    closure()
}

/// The error of a value that the named argument refuses.
pub fn refused(argument: &str) -> Unmade {
    let message = format!("`{argument}` calls the returned value an error");
    TaskError::new(argument.to_owned(), message).into()
}

/// Without a `records` argument.
pub fn no_records<T>(_: &T) -> Option<u64> {
    None
}

/// The `Ok` type of a return type that is named `Result`, whatever it is an alias of.
pub trait ResultType {
    type Ok;
    type Err;
}

impl<T, E> ResultType for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// The type of the error of a return type that is named `Result`, as `error.type` shows it.
pub fn error_type<R: ResultType>() -> &'static str {
    type_name::<R::Err>()
}

/// `&T` of an output that is shared.
pub fn lend<O>(output: &Arc<O>) -> &O {
    output
}

/// A parameter `&T` that is no output.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` is no parameter that a task can take",
    label = "no dependency has this parameter's name",
    note = "a parameter is the output of a task in `depends_on(…)` and has its name, or is `Input<T>`, `Resource<T>`, `&TaskContext` or `&EffectKey`"
)]
pub trait LentParam {
    /// What is kept for it while the function runs.
    type Held;
    /// Whether it makes a repetition known as one.
    const IS_KEY: bool;

    fn hold(context: &TaskContext) -> Self::Held;

    fn lend<'a>(context: &'a TaskContext, held: &'a Self::Held) -> &'a Self;
}

impl LentParam for TaskContext {
    type Held = ();
    const IS_KEY: bool = false;

    fn hold(_: &TaskContext) {}

    fn lend<'a>(context: &'a TaskContext, (): &'a ()) -> &'a Self {
        context
    }
}

impl LentParam for EffectKey {
    type Held = Self;
    const IS_KEY: bool = true;

    fn hold(context: &TaskContext) -> Self {
        context.effect_key()
    }

    fn lend<'a>(_: &'a TaskContext, held: &'a Self) -> &'a Self {
        held
    }
}

/// What lends a parameter `&T` that is no output.
pub struct Lender<'a, P: LentParam> {
    context: &'a TaskContext,
    held: P::Held,
}

impl<P: LentParam> Lender<'_, P> {
    /// The parameter.
    pub fn get(&self) -> &P {
        P::lend(self.context, &self.held)
    }
}

/// A parameter `&T` that is no output.
pub fn lent<P: LentParam>(context: &TaskContext) -> Lender<'_, P> {
    Lender {
        context,
        held: P::hold(context),
    }
}

/// Counts the records of an output.
pub fn records<T, N: IntoCount>(value: &T, count: impl FnOnce(&T) -> N) -> Option<u64> {
    count(value).into_count()
}

/// What a handler returned.
///
/// # Errors
/// When the handler failed.
pub fn handled<R: HandlerReturn>(returned: R) -> Result<(), String> {
    returned.into_result()
}

/// A parameter `&T` of a handler.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` is no parameter that a handler can take",
    label = "expected `&RunResult` or `&AlertManager`"
)]
pub trait HandlerParam {
    /// The value.
    ///
    /// # Errors
    /// When there is none, with the remedy.
    fn of<'a>(call: &HandlerCall<'a>) -> Result<&'a Self, String>;
}

impl HandlerParam for RunResult {
    fn of<'a>(call: &HandlerCall<'a>) -> Result<&'a Self, String> {
        Ok(call.result)
    }
}

#[cfg(feature = "alert")]
impl HandlerParam for crate::alert::AlertManager {
    fn of<'a>(call: &HandlerCall<'a>) -> Result<&'a Self, String> {
        call.alerts.ok_or_else(|| {
            "there is no AlertManager: give one to the pipeline or to `Observability::builder()` with `.alerts(…)`".to_owned()
        })
    }
}

/// A parameter `&T` of a handler.
///
/// # Errors
/// When there is none, with the remedy.
pub fn handler_param<'a, P: HandlerParam>(call: &HandlerCall<'a>) -> Result<&'a P, String> {
    P::of(call)
}

/// The work of a handler.
pub fn handler<'a, F>(future: F) -> HandlerFuture<'a>
where
    F: Future<Output = Result<(), String>> + Send + 'a,
{
    Box::pin(future)
}
