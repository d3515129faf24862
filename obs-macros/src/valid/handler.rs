//! `#[on_failure]`, `#[on_complete]`, `#[on_cancel]`.

use proc_macro2::TokenStream;
use syn::{FnArg, LitStr, Path, Type};

use crate::ast::{Function, Item};
use crate::attr::table::{ON_CANCEL, ON_COMPLETE, ON_FAILURE, Table};
use crate::attr::{ArgList, Args, as_path};
use crate::errors::Errors;
use crate::valid::pipeline_task::{check_signature, needs_feature, non_empty};
use crate::{expand, fallback, shape, valid};

/// When a handler is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Failure,
    Complete,
    Cancel,
}

impl Event {
    fn table(self) -> &'static Table {
        match self {
            Self::Failure => &ON_FAILURE,
            Self::Complete => &ON_COMPLETE,
            Self::Cancel => &ON_CANCEL,
        }
    }

    /// The variant of `HandlerEvent`.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Failure => "Failure",
            Self::Complete => "Complete",
            Self::Cancel => "Cancel",
        }
    }
}

/// What the expansion needs to know; nothing in it can be wrong.
pub(crate) struct Handler {
    pub(crate) event: Event,
    pub(crate) pipeline: Option<LitStr>,
    pub(crate) task: Option<Path>,
    /// `T` of each parameter `&T`.
    pub(crate) params: Vec<Type>,
}

pub(crate) fn expand(event: Event, tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take(syn::parse2::<Item>(item.clone()));
    let expanded = parsed.and_then(|parsed| on_item(event, tokens, parsed, &mut errors));
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => fallback::beside(errors, item),
    }
}

fn on_item(
    event: Event,
    tokens: TokenStream,
    item: Item,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let table = event.table();
    needs_feature(table.name, errors);
    let mut list = ArgList::parse(tokens, table, errors);
    let pipeline = list
        .take("pipeline")
        .and_then(|arg| non_empty(arg, "a pipeline needs a name", errors));
    let task = list.take("task").and_then(|arg| {
        let value = arg.expr(errors)?;
        let path = as_path(&value);
        if path.is_none() {
            errors.push_on(&value, "`task` is the path of a task's function");
        }
        path
    });
    if let (Some(pipeline), Some(_)) = (&pipeline, &task) {
        let message = "a task belongs to one pipeline: leave `pipeline` out";
        errors.push(pipeline.span(), message);
    }
    let args = Args::take(&mut list, errors);
    let function = valid::function(item, table, errors)?;
    check_signature(table.name, &function.sig, errors);
    let handler = Handler {
        event,
        pipeline,
        task,
        params: params(table.name, &function, errors),
    };
    let span = valid::Own {
        construct: "Handler",
        ..valid::Own::default()
    };
    let plan = valid::plan(args, span, &function, errors);
    errors
        .is_empty()
        .then(|| expand::handler::expand(&function, &plan, &handler))
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
