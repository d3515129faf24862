//! The rules for `#[obs_runtime::main]`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Expr;

use super::item;
use crate::ast::{Function, mentions};
use crate::attr::list::Given;
use crate::attr::main_fn::MainArgs;
use crate::attr::parsed::Parsed;
use crate::crate_path;
use crate::errors::Errors;

/// The main function, and how the program is started.
pub(crate) struct Main {
    /// The path of `obs_runtime`.
    pub(crate) krate: TokenStream,
    pub(crate) function: Function,
    pub(crate) service: Option<Expr>,
    pub(crate) setup: Option<Expr>,
    pub(crate) worker_threads: Option<Expr>,
    pub(crate) current_thread: bool,
    pub(crate) signals: bool,
}

/// Judges `#[obs_runtime::main]`.
pub(crate) fn main(parsed: Parsed<MainArgs>, errors: &mut Errors) -> Option<Main> {
    let function = item::function(parsed.item, parsed.table, errors)?;
    if let Some(parameter) = function.sig.inputs.first() {
        errors.push_on(
            parameter,
            "`#[obs_runtime::main]` needs a function without parameters",
        );
    }
    let own = parsed.own;
    check_runtime(&own, function.sig.asyncness.is_some(), errors);
    let signals = own
        .signals
        .unwrap_or_else(|| !ends_itself(&function.body.braces.stream()));
    Some(Main {
        krate: crate_path::resolve(parsed.shared.crate_path.as_ref()),
        function,
        service: own.service,
        setup: own.setup,
        current_thread: is_current_thread(own.flavor.as_ref()),
        worker_threads: own.worker_threads.map(|workers| workers.value),
        signals,
    })
}

/// Whether the body of `main` waits for signals itself, by axum's or tokio's names for that.
fn ends_itself(body: &TokenStream) -> bool {
    let name = |name| Ident::new(name, Span::call_site());
    ["ctrl_c", "with_graceful_shutdown", "SignalKind"]
        .iter()
        .any(|word| mentions(body, &name(word)))
}

fn is_current_thread(flavor: Option<&Given<&'static str>>) -> bool {
    flavor.is_some_and(|flavor| flavor.value == "current_thread")
}

/// Only an `async fn` has a runtime, and only one of its flavors has threads to count.
fn check_runtime(own: &MainArgs, is_async: bool, errors: &mut Errors) {
    let flavor = own.flavor.as_ref().map(|flavor| flavor.at);
    let workers = own.worker_threads.as_ref().map(|workers| workers.at);
    if !is_async {
        for at in flavor.into_iter().chain(workers) {
            errors.push(at, "only `async fn main` has a runtime to set up");
        }
    }
    if let Some(at) = workers.filter(|_| is_current_thread(own.flavor.as_ref())) {
        let message = "the flavor \"current_thread\" has no worker threads";
        errors.push(at, message);
    }
}

#[cfg(test)]
#[path = "main_fn_tests.rs"]
mod tests;
