//! The arguments of `#[on_failure]`, `#[on_complete]` and `#[on_cancel]`.

use syn::{LitStr, Path};

use super::expr::as_path;
use super::list::ArgList;
use crate::errors::Errors;

/// What a handler takes beside the shared arguments.
pub(crate) struct HandlerArgs {
    pub(crate) pipeline: Option<LitStr>,
    pub(crate) task: Option<Path>,
}

impl HandlerArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let pipeline = list.take("pipeline");
        Self {
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
