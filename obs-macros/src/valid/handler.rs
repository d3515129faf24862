//! The rules for `#[on_failure]`, `#[on_complete]`, `#[on_cancel]` and `#[on_late]`.

use syn::{FnArg, LitStr, Path, Type};

use super::function::{self, Own};
use super::pipeline_task::signature;
use crate::ast::Function;
use crate::attr::duration::DurationArg;
use crate::attr::handler::HandlerArgs;
use crate::attr::parsed::Parsed;
use crate::errors::Errors;
use crate::plan::Annotated;
use crate::shape;

/// When a handler is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Failure,
    Complete,
    Cancel,
    Late,
}

/// A handler, and what the pipelines know of it.
pub(crate) struct Handler {
    pub(crate) annotated: Annotated,
    pub(crate) event: Event,
    pub(crate) pipeline: Option<LitStr>,
    pub(crate) task: Option<Path>,
    pub(crate) deadline: Option<DurationArg>,
    /// `T` of each parameter `&T`.
    pub(crate) params: Vec<Type>,
}

/// Judges a handler of the event.
pub(crate) fn handler(
    event: Event,
    parsed: Parsed<HandlerArgs>,
    errors: &mut Errors,
) -> Option<Handler> {
    let this = parsed.table.name;
    let HandlerArgs { pipeline, task, .. } = &parsed.own;
    if let (Some(pipeline), Some(_)) = (pipeline, task) {
        let message = "a task belongs to one pipeline: leave `pipeline` out";
        errors.push(pipeline.span(), message);
    }
    if let (Event::Late, Some(task)) = (event, task) {
        let message = "a run is late, not a task of it: leave `task` out, and name the pipeline";
        errors.push_on(task, message);
    }
    let (function, args, own) = function::accept(parsed, errors)?;
    signature::check(this, &function.sig, errors);
    let params = params(this, &function, errors);
    let span = Own {
        construct: "Handler",
        ..Own::default()
    };
    Some(Handler {
        annotated: function::annotated(function, args, span, errors),
        event,
        pipeline: own.pipeline,
        task: own.task,
        deadline: own.deadline,
        params,
    })
}

fn params(this: &str, function: &Function, errors: &mut Errors) -> Vec<Type> {
    let mut params = Vec::new();
    for arg in &function.sig.inputs {
        let FnArg::Typed(arg) = arg else { continue };
        match shape::plain(&arg.ty) {
            Type::Reference(ty) if ty.mutability.is_none() => params.push((*ty.elem).clone()),
            ty => {
                let message =
                    format!("a function with `#[{this}]` takes `&RunResult` and `&AlertManager`");
                errors.push_on(ty, message);
            }
        }
    }
    params
}
