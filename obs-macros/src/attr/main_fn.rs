//! The arguments of `#[obs_runtime::main]`.

use syn::Expr;

use super::list::{Arg, ArgList, Given};
use crate::errors::Errors;

/// What `#[obs_runtime::main]` takes beside `crate`.
pub(crate) struct MainArgs {
    pub(crate) service: Option<Expr>,
    pub(crate) setup: Option<Expr>,
    pub(crate) flavor: Option<Given<&'static str>>,
    pub(crate) worker_threads: Option<Given<Expr>>,
    pub(crate) signals: Option<bool>,
}

impl MainArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let flavors = ["multi_thread", "current_thread"];
        Self {
            flavor: list.given("flavor", errors, |arg, errors| arg.word(&flavors, errors)),
            service: list.expr("service", errors),
            setup: list.expr("setup", errors),
            worker_threads: list.given("worker_threads", errors, Arg::expr),
            signals: list.take("signals").and_then(|arg| arg.switch(errors)),
        }
    }
}
