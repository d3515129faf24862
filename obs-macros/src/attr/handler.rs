//! The arguments of `#[on_failure]`, `#[on_complete]`, `#[on_cancel]` and `#[on_late]`.

use syn::{LitStr, Path};

use super::duration::DurationArg;
use super::expr::as_path;
use super::list::ArgList;
use crate::errors::Errors;

/// What a handler takes beside the shared arguments.
pub(crate) struct HandlerArgs {
    pub(crate) pipeline: Option<LitStr>,
    pub(crate) task: Option<Path>,
    pub(crate) deadline: Option<DurationArg>,
}

impl HandlerArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let pipeline = list.take("pipeline");
        let deadline = list.take("deadline");
        Self {
            deadline: deadline.and_then(|arg| arg.duration(errors)),
            pipeline: pipeline.and_then(|arg| arg.filled("a pipeline needs a name", errors)),
            task: list.expr("task", errors).and_then(|value| {
                let path = as_path(&value);
                if path.is_none() {
                    errors.push_on(&value, "`task` is the path of a task's function");
                }
                path
            }),
        }
    }
}
