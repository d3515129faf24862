//! The rules for an annotated function, and the plan that comes of its arguments.
//!
//! Every macro on functions ends here: it adds what it has of its own to the shared arguments.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{FnArg, Pat, ReturnType};

use super::consumed::Uses;
use super::names::{is_dynamic, parameters};
use super::{args, arguments, item, returned_stream};
use crate::ast::Function;
use crate::attr::fields::Field;
use crate::attr::nearest::nearest;
use crate::attr::parsed::Parsed;
use crate::attr::shared::{Args, ErrMode, Render, SKIP};
use crate::crate_path;
use crate::errors::Errors;
use crate::plan::{Annotated, Follow, Measurement, Name, Observer, Plan, Site};
use crate::shape::{self, Shape};

/// What a macro adds to the shared arguments.
#[derive(Default)]
pub(crate) struct Own {
    /// The variant of `Construct`; `Traced` if empty.
    pub(crate) construct: &'static str,
    /// The name of calls to which the user gives none.
    pub(crate) name: Name,
    pub(crate) kind: Option<&'static str>,
    /// Before the user's.
    pub(crate) fields: Vec<Field>,
    pub(crate) measurement: Option<Measurement>,
    pub(crate) follow: Follow,
}

/// Judges what can be judged without the macro: the shared arguments among themselves, and
/// whether the item is a function that a macro can take.
pub(crate) fn accept<A>(parsed: Parsed<A>, errors: &mut Errors) -> Option<(Function, Args, A)> {
    let mut args = parsed.shared;
    let function = item::function(parsed.item, parsed.table, errors);
    arguments::judge(&mut args, function.as_ref(), errors);
    Some((function?, args, parsed.own))
}

/// Judges the shared arguments for a function, and plans its expansion.
pub(crate) fn annotated(
    function: Function,
    args: Args,
    own: Own,
    errors: &mut Errors,
) -> Annotated {
    check_skip(&args, &function, errors);
    check_value_arguments(&args, &function, errors);
    check_timings(&args, &function, errors);
    let plan = plan(args, own, &function);
    Annotated { function, plan }
}

fn plan(mut args: Args, own: Own, function: &Function) -> Plan {
    let name = match args.name.take().map(|name| name.value) {
        None => own.name,
        Some(name) if is_dynamic(&name, function) => Name::Dynamic(name),
        Some(name) => Name::Constant(name),
    };
    let mut fields = own.fields;
    fields.extend(args::fields(&args, function));
    fields.append(&mut args.fields);
    let uses = Uses::new(function, &args, &name, &fields);
    let mut observers = Vec::new();
    observers.extend(args.ret.map(|ret| {
        let render = ret.value.render.unwrap_or(Render::Debug);
        Observer::Return(render, ret.value.level, ret.at)
    }));
    observers.extend(args.expected.map(Observer::Expected));
    observers.extend(args.ok_if.map(Observer::OkIf));
    observers.extend(
        args.error_if
            .map(|closure| Observer::ErrorIf(closure.value)),
    );
    let err_span = args.err_span.unwrap_or_else(Span::call_site);
    observers.extend(args.err_level.map(|level| Observer::Level(level, err_span)));
    let needs_value = !observers.is_empty()
        || own.measurement.is_some()
        || args.timings.is_some()
        || !matches!(args.err, ErrMode::Auto | ErrMode::Off);
    let mut plan = Plan {
        site: Site {
            krate: crate_path::resolve(args.crate_path.as_ref()),
            construct: own.construct,
            name,
            kind: args.kind.or(own.kind),
            level: args.level,
            target: args.target,
            fields,
            declared: args.declared,
            root: args.root,
            no_metrics: args.no_metrics,
        },
        shape: shape::choose(function, needs_value),
        parent: args.parent.map(|parent| uses.argument(parent.value)),
        labels: args.labels.map(|labels| labels.value).unwrap_or_default(),
        links: args
            .links
            .into_iter()
            .map(|links| uses.argument(links))
            .collect(),
        err: args.err,
        err_span: args.err_span,
        observers,
        measurement: own.measurement,
        timings: args.timings,
        concurrency: args.concurrency.is_some(),
        follow: own.follow,
    };
    adapt_shape(&mut plan);
    if plan.follow == Follow::Value
        && let Some(follow) = returned_stream::stream(function, &plan.shape)
        && (follow == Follow::Direct || plan.observers.iter().all(Observer::fits_items))
    {
        plan.follow = follow;
    }
    plan
}

/// Changes the shape to another where arguments do not fit the one that the signature alone gives.
fn adapt_shape(plan: &mut Plan) {
    if let Shape::InBox(in_box) = &plan.shape
        && plan.runs_before_the_body()
        && !shape::is_async_move(&in_box.call.stream())
    {
        // What runs before the body runs inside the future, so its text must be here.
        plan.shape = Shape::Closure;
    }
}

/// `skip` names parameters of the function.
fn check_skip(args: &Args, function: &Function, errors: &mut Errors) {
    if let Some(at) = args.parameters.bare_skip {
        errors.push(at, format!("`skip` is written `{SKIP}`"));
    }
    let names: Vec<String> = parameters(function)
        .iter()
        .map(|name| name.unraw().to_string())
        .collect();
    let has_wild = function
        .sig
        .inputs
        .iter()
        .any(|arg| matches!(arg, FnArg::Typed(arg) if matches!(*arg.pat, Pat::Wild(_))));
    for skipped in &args.parameters.skip {
        let name = skipped.unraw().to_string();
        // On an `impl` block it is for the methods that have it.
        if names.contains(&name) || (name == "_" && has_wild) || name == "self" {
            continue;
        }
        let hint = match nearest(&name, names.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        errors.push(
            skipped.span(),
            format!("the function has no parameter `{name}`{hint}"),
        );
    }
}

/// `timings` needs a call that can wait.
fn check_timings(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(span) = args.timings else { return };
    let returned = match &function.sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(shape::plain(ty)),
    };
    let returns_at_once = shape::is_never(returned)
        || shape::is_inert(returned)
        || returned.is_some_and(shape::is_named_result);
    if function.sig.asyncness.is_none() && returns_at_once {
        errors.push(
            span,
            "`timings` needs an `async fn`, or a function that returns a future or a stream: another call is busy \
             as long as it lasts",
        );
    }
}

/// `err(…)` and `ret` need something to look at.
fn check_value_arguments(args: &Args, function: &Function, errors: &mut Errors) {
    let returned = match &function.sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(shape::plain(ty)),
    };
    let certainly_no_result = match returned {
        None => true,
        Some(syn::Type::ImplTrait(_)) => false,
        some => shape::is_inert(some),
    };
    if let Some(span) = args.err_span
        && certainly_no_result
        && args.err != ErrMode::Off
    {
        errors.push(span, "`err` needs a function that returns a `Result`");
    }
    if let Some(ret) = args.ret.as_ref().filter(|_| shape::is_never(returned)) {
        errors.push(ret.at, "`ret` needs a function that returns");
    }
}
