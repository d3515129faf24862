//! How handlers are called: one after the other, each on a task or thread of its own with a
//! deadline, after all tasks of the run have ended.
//!
//! Whatever becomes of a handler changes nothing of the run. That it failed, panicked or took too
//! long is counted, and added to the result.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Closure, DEADLINE, HandlerCall, HandlerFuture, HandlerMeta, Handlers};
use super::{concerned, concerns_run};
use crate::guarded::caught;
use crate::lock::lock;
use crate::pipeline::meters::Meters;
use crate::pipeline::result::{HandlerError, RunResult};
use crate::pipeline::start::has_timer;
use crate::trace::local::redact;
use crate::{Instrument as _, SpanContext};

/// The calls of the handlers of one run.
#[derive(Clone)]
pub(crate) struct Calls(Arc<Inside>);

struct Inside {
    handlers: Mutex<Handlers>,
    span: Option<SpanContext>,
    meters: Meters,
    /// The calls that were made because the run was late.
    late: Mutex<Option<JoinHandle<Vec<HandlerError>>>>,
}

/// A handler that is to be called.
enum Handler {
    Annotated(&'static HandlerMeta),
    Closure(Closure),
}

/// How a handler ended.
enum Outcome {
    Ok,
    Failed(String),
    Panicked(String),
    Late(Duration),
}

impl Calls {
    pub(crate) fn new(handlers: Handlers, span: Option<SpanContext>, meters: Meters) -> Self {
        Self(Arc::new(Inside {
            handlers: Mutex::new(handlers),
            span,
            meters,
            late: Mutex::default(),
        }))
    }

    /// Calls the handlers that a result concerns, and adds their errors to it.
    pub(crate) async fn call_all(&self, mut result: RunResult) -> RunResult {
        let late = lock(&self.0.late).take();
        if let Some(late) = late {
            result.handler_errors = late.await.unwrap_or_default();
        }
        self.call_each(concerned(&result), result).await
    }

    /// Calls the handlers for runs that are late, beside the run.
    pub(crate) fn spawn_late(&self, so_far: RunResult) {
        let this = self.clone();
        let calls = async move {
            let handlers = concerned(&so_far);
            this.call_each(handlers, so_far).await.handler_errors
        };
        let calls = tokio::spawn(calls.in_span_context(self.0.span));
        *lock(&self.0.late) = Some(calls);
    }

    /// Calls these handlers, and the closures that the result concerns.
    pub(super) async fn call_each(
        &self,
        handlers: Vec<&'static HandlerMeta>,
        result: RunResult,
    ) -> RunResult {
        let closures = self.closures(&result);
        let handlers = handlers.into_iter().map(Handler::Annotated);
        let mut result = Arc::new(result);
        for handler in handlers.chain(closures.into_iter().map(Handler::Closure)) {
            let name = handler.name();
            let outcome = self.call(handler, &result).await;
            let pipeline = &result.pipeline_name;
            self.0.meters.handler(pipeline, &name, outcome.as_str());
            if let Some(message) = outcome.message() {
                // One that took too long may have the result still.
                Arc::make_mut(&mut result)
                    .handler_errors
                    .push(HandlerError {
                        handler: name,
                        // Summaries, alerts and stores show it, as the texts of tasks' errors.
                        message: redact(&message).into_owned(),
                    });
            }
        }
        Arc::try_unwrap(result).unwrap_or_else(|shared| (*shared).clone())
    }

    /// Takes the closures that are to be called.
    fn closures(&self, result: &RunResult) -> Vec<Closure> {
        let mut handlers = lock(&self.0.handlers);
        let all = core::mem::take(&mut handlers.closures).into_iter();
        let (now, later) = all.partition(|closure| concerns_run(closure.event, result));
        handlers.closures = later;
        now
    }

    async fn call(&self, handler: Handler, result: &Arc<RunResult>) -> Outcome {
        let (deadline, blocks) = match &handler {
            Handler::Annotated(meta) => (meta.deadline.unwrap_or(DEADLINE), meta.blocks),
            Handler::Closure(_) => (DEADLINE, false),
        };
        let work = self.work(handler, Arc::clone(result));
        let mut called = if blocks {
            tokio::task::spawn_blocking(move || at_once(work))
        } else {
            tokio::spawn(work)
        };
        let ended = if has_timer() {
            let Ok(ended) = timeout(deadline, &mut called).await else {
                called.abort();
                return Outcome::Late(deadline);
            };
            ended
        } else {
            called.await
        };
        match ended {
            Ok(Ok(Ok(()))) => Outcome::Ok,
            Ok(Ok(Err(message))) => Outcome::Failed(message),
            Ok(Err(said)) => Outcome::Panicked(said),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    /// The work of a handler, with the text of a panic.
    fn work(
        &self,
        handler: Handler,
        result: Arc<RunResult>,
    ) -> impl Future<Output = Result<Result<(), String>, String>> + Send + Unpin + 'static {
        #[cfg(feature = "alert")]
        let alerts = lock(&self.0.handlers)
            .alerts
            .clone()
            .or_else(crate::alert::current);
        let work = async move {
            match handler {
                Handler::Annotated(meta) => {
                    let call = HandlerCall {
                        result: &result,
                        #[cfg(feature = "alert")]
                        alerts: alerts.as_ref(),
                    };
                    caught_future(caught(|| (meta.run)(call))?).await
                }
                Handler::Closure(closure) => {
                    caught_future(caught(|| (closure.call)(result))?).await
                }
            }
        };
        Box::pin(work.in_span_context(self.0.span))
    }
}

impl Handler {
    fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Annotated(meta) => meta.path.into(),
            Self::Closure(closure) => closure.name.clone(),
        }
    }
}

/// The values of the label `result`: how a handler can end.
pub(crate) const RESULTS: [&str; 4] = ["ok", "error", "panic", "timeout"];

impl Outcome {
    /// The value of the label `result`.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => RESULTS[0],
            Self::Failed(_) => RESULTS[1],
            Self::Panicked(_) => RESULTS[2],
            Self::Late(_) => RESULTS[3],
        }
    }

    fn message(self) -> Option<String> {
        match self {
            Self::Ok => None,
            Self::Failed(message) | Self::Panicked(message) => Some(message),
            Self::Late(deadline) => Some(format!(
                "not done within its deadline of {deadline:?}; nobody waits for it any more"
            )),
        }
    }
}

/// Turns a panic of the handler into a text.
async fn caught_future(mut future: HandlerFuture<'_>) -> Result<Result<(), String>, String> {
    poll_fn(|cx| match caught(|| future.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(said) => Poll::Ready(Err(said)),
    })
    .await
}

/// Runs what waits for nothing, on a thread that may block.
fn at_once<T>(
    mut work: impl Future<Output = Result<Result<(), T>, String>> + Unpin,
) -> Result<Result<(), T>, String> {
    match core::pin::Pin::new(&mut work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => ended,
        Poll::Pending => Err("a synchronous handler waited".to_owned()),
    }
}
