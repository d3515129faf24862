//! The rules for `#[pipeline_task]`: those for its arguments are here, those for the function in
//! the other files.

pub(crate) mod cache;
pub(crate) mod params;
pub(crate) mod rules;
pub(crate) mod signature;

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, LitStr, ReturnType, Signature};

use self::cache::Cached;
use self::params::Param;
use self::rules::{Mapped, When};
use super::feature;
use super::function::{self, Own};
use super::names::is_dynamic;
use crate::ast::{Function, Item};
use crate::attr::duration::DurationArg;
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue};
use crate::attr::list::{Given, Required};
use crate::attr::parsed::Parsed;
use crate::attr::pipeline_task::{Dependency, Retry, TaskArgs};
use crate::attr::shared::Args;
use crate::attr::table::PIPELINE_TASK;
use crate::errors::Errors;
use crate::plan::Annotated;
use crate::shape;

/// A task, and what its pipeline knows of it.
pub(crate) struct Task {
    pub(crate) annotated: Annotated,
    pub(crate) pipeline: LitStr,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) params: Vec<Param>,
    pub(crate) retry: Retry,
    /// `timeout`, `deadline` and `queue_timeout`.
    pub(crate) times: [Option<DurationArg>; 3],
    /// A variant of `RunIf`.
    pub(crate) run_if: Option<&'static str>,
    pub(crate) when: Option<When>,
    pub(crate) map: Option<Mapped>,
    pub(crate) cache: Option<Cached>,
    pub(crate) concurrency: Option<LitStr>,
    /// A variant of `Effects`.
    pub(crate) effects: Option<Given<&'static str>>,
    pub(crate) version: Option<Expr>,
    pub(crate) records: Option<Expr>,
    /// `ok_if` and `error_if`: the closure, and which answer fails the task.
    pub(crate) judge: Option<(Expr, bool)>,
}

/// Judges `#[pipeline_task]`.
pub(crate) fn task(parsed: Parsed<TaskArgs>, errors: &mut Errors) -> Option<Task> {
    check_own(&parsed.own, errors);
    let (function, mut args, own) = function::accept(parsed, errors)?;
    signature::check(PIPELINE_TASK.name, &function.sig, errors);
    signature::check_output(&function.sig.output, errors);
    check_name(&args, &function, errors);
    check_error(&own.retry, &function.sig.output, errors);
    if let (Some(when), Some(_)) = (&own.when, &own.map) {
        let message = "`when` decides on a whole task, and one with `map` is called for each item: give the items to `map` that there is something to do for";
        errors.push(when.at, message);
    }
    let map = own
        .map
        .and_then(|map| rules::map(map, &own.dependencies, errors));
    let when = own
        .when
        .and_then(|when| rules::when(when, &own.dependencies, errors));
    let item = map.as_ref().map(|map| (&map.map.item, map.source));
    let params = params::params(&function.sig, &own.dependencies, item, errors);
    rules::check_run_if(
        own.run_if.as_ref(),
        &own.dependencies,
        &params,
        when.as_ref(),
        errors,
    );
    let cache = own.cache.and_then(|given| {
        cache::cache(given, &function.sig, &params, own.effects.as_ref(), errors)
    });
    let Required::Given(pipeline) = own.pipeline else {
        return None;
    };
    let judge = match (&args.ok_if, &args.error_if) {
        (Some(closure), _) => Some((closure.clone(), false)),
        (None, Some(closure)) => Some((closure.value.clone(), true)),
        (None, None) => None,
    };
    args.fields.extend(fields(&pipeline));
    let span = Own {
        construct: "PipelineTask",
        ..Own::default()
    };
    Some(Task {
        annotated: function::annotated(function, args, span, errors),
        pipeline,
        dependencies: own.dependencies,
        params,
        retry: own.retry,
        times: own.times,
        run_if: own.run_if.map(|given| given.value),
        when,
        map,
        cache,
        concurrency: own.concurrency,
        effects: own.effects,
        version: own.version,
        records: own.records,
        judge,
    })
}

/// A task with errors for which a stand-in can be made, so that its dependants have none.
pub(crate) fn stand_in(item: &Item) -> Option<&Function> {
    let Item::Function(function) = item else {
        return None;
    };
    let Signature {
        generics, output, ..
    } = &function.sig;
    let mut errors = Errors::default();
    signature::check_output(output, &mut errors);
    let can_be_named = generics.params.is_empty()
        && function.sig.receiver().is_none()
        && errors.is_empty()
        && PIPELINE_TASK.feature.is_none_or(feature::is_on);
    can_be_named.then_some(function)
}

/// The rules for the arguments of the macro, whatever it is put on.
fn check_own(own: &TaskArgs, errors: &mut Errors) {
    if let Required::Missing = own.pipeline {
        let message =
            "say which pipeline the task belongs to: `#[pipeline_task(pipeline = \"…\")]`";
        errors.push(Span::call_site(), message);
    }
    check_dependencies(&own.dependencies, errors);
    check_retry(&own.retry, errors);
}

/// Arguments about repetition need repetition.
fn check_retry(retry: &Retry, errors: &mut Errors) {
    if retry.retries.is_some() {
        return;
    }
    let given = [
        ("backoff", retry.backoff.as_ref().map(|given| given.at)),
        ("delay", retry.delay.as_ref().map(|given| given.at)),
        ("max_delay", retry.max_delay.as_ref().map(|given| given.at)),
        ("jitter", retry.jitter.as_ref().map(|given| given.at)),
        (
            "max_elapsed",
            retry.max_elapsed.as_ref().map(|given| given.at),
        ),
        ("retry_if", retry.retry_if.as_ref().map(|given| given.at)),
        (
            "retry_after",
            retry.retry_after.as_ref().map(|given| given.at),
        ),
    ];
    for (name, at) in given {
        if let Some(at) = at {
            let message = format!("`{name}` is about repetition: say how often with `retries = 3`");
            errors.push(at, message);
        }
    }
}

/// What looks at an error needs one.
fn check_error(retry: &Retry, output: &ReturnType, errors: &mut Errors) {
    if matches!(output, ReturnType::Type(_, ty) if shape::is_named_result(ty)) {
        return;
    }
    let given = [
        ("retry_if", &retry.retry_if),
        ("retry_after", &retry.retry_after),
    ];
    for (name, closure) in given {
        if let Some(closure) = closure {
            let message = format!(
                "`{name}` looks at the error of a `Result`, and the function returns no type of that name"
            );
            errors.push(closure.at, message);
        }
    }
}

/// A dependency is given once, and its name tells it from the others.
fn check_dependencies(given: &[Dependency], errors: &mut Errors) {
    let text = |dependency: &Dependency| dependency.path.to_token_stream().to_string();
    let mut known: Vec<&Dependency> = Vec::new();
    for dependency in given {
        let name = dependency.name.unraw();
        if known.iter().any(|known| text(known) == text(dependency)) {
            errors.push_on(&dependency.path, "this dependency is given twice");
        } else if known.iter().any(|known| known.name.unraw() == name) {
            let message = format!(
                "two dependencies have the name `{}`: name one of them, `parameter = path::to::task`",
                dependency.name
            );
            errors.push(dependency.name.span(), message);
        } else {
            known.push(dependency);
        }
    }
}

fn check_name(args: &Args, function: &Function, errors: &mut Errors) {
    if let Some(name) = &args.name
        && is_dynamic(&name.value, function)
    {
        let message = "the name of a task is constant: the pipeline is built from it";
        errors.push_on(&name.value, message);
    }
}

/// What every span of the task says.
fn fields(pipeline: &LitStr) -> [Field; 2] {
    let field =
        |key: &str, value| Field::own(FieldKey::Text(key.to_owned()), value, Span::mixed_site());
    [
        field(
            "obs.pipeline.name",
            FieldValue::Const(Constant::Str(pipeline.clone())),
        ),
        field("obs.task.attempt", FieldValue::Attempt),
    ]
}
