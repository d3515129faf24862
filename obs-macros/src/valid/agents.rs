//! The rules for `#[agent]`, `#[workflow]` and `#[tool_call]`.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Expr, FnArg, Ident, LitStr, Pat, Type};

use super::conventions::{field, is_below_one, literal, text};
use super::follow;
use super::function::{self, Own};
use super::names::parameters;
use crate::ast::Function;
use crate::attr::agents::{AgentArgs, Limit, ToolArgs};
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue};
use crate::attr::list::Given;
use crate::attr::parsed::Parsed;
use crate::attr::shared::Args;
use crate::errors::Errors;
use crate::plan::{Annotated, Measurement, Name, Text, ToldBy};
use crate::shape;

/// Judges `#[agent]` and `#[workflow]`; `operation` is what the conventions call it.
pub(crate) fn agent(
    operation: &'static str,
    parsed: Parsed<AgentArgs>,
    errors: &mut Errors,
) -> Option<Annotated> {
    let table = parsed.table;
    let (function, mut args, own) = function::accept(parsed, errors)?;
    let follow = follow::decided(own.stream.as_ref(), table, &function, errors);
    let name = name(&mut args, &function, errors);
    let mut fields = named("GEN_AI_AGENT_NAME", operation, &name);
    fields.extend(described("GEN_AI_AGENT_DESCRIPTION", own.description));
    check_limits(&own.limits, errors);
    let timeout = own.timeout.as_ref().map(|timeout| timeout.at);
    let first = own.limits.first().map(|limit| limit.at).or(timeout);
    if let (Some(on_stop), None) = (&own.on_stop, first) {
        let message = "`on_stop` needs a limit: `max_steps`, `max_tool_calls`, `max_same_tool_call` or `timeout`";
        errors.push(on_stop.at, message);
    }
    if let Some(at) = first {
        check_item(at, &function, own.stream.as_ref(), errors);
    }
    let only_flags = own.on_stop.is_some_and(|on_stop| on_stop.value == "flag");
    let own = Own {
        construct: "Agent",
        name: span_name(operation, &name),
        kind: None,
        fields,
        measurement: Some(Measurement::Agent {
            name,
            limits: own.limits.into_iter().map(|limit| limit.value).collect(),
            timeout: own.timeout.map(|timeout| timeout.value),
            stops: first.filter(|_| !only_flags),
            only_flags,
        }),
        follow,
    };
    Some(function::annotated(function, args, own, errors))
}

/// Judges `#[tool_call]`.
pub(crate) fn tool_call(parsed: Parsed<ToolArgs>, errors: &mut Errors) -> Option<Annotated> {
    let table = parsed.table;
    let (function, mut args, own) = function::accept(parsed, errors)?;
    let follow = follow::decided(own.stream.as_ref(), table, &function, errors);
    let name = name(&mut args, &function, errors);
    let mut fields = named("GEN_AI_TOOL_NAME", EXECUTE_TOOL, &name);
    fields.push(constant("GEN_AI_TOOL_TYPE", "function", Span::call_site()));
    fields.extend(described("GEN_AI_TOOL_DESCRIPTION", own.description));
    if let Some(effect) = &own.effect {
        fields.push(constant("OBS_TOOL_EFFECT", effect.value, effect.at));
    }
    let parameter = id_parameter(&function);
    let is_told = own.repeat.is_none_or(|repeat| repeat.value == "counted");
    let told_by = is_told.then(|| told_by(&function, parameter.as_ref()));
    let id = own.id.or_else(|| {
        let name = parameter?;
        Some(syn::parse_quote_spanned!(name.span()=> #name))
    });
    let own = Own {
        construct: "ToolCall",
        name: span_name(EXECUTE_TOOL, &name),
        kind: None,
        fields,
        measurement: Some(Measurement::Tool { name, id, told_by }),
        follow,
    };
    Some(function::annotated(function, args, own, errors))
}

const EXECUTE_TOOL: &str = "execute_tool";

/// The name of the agent or tool: that of the function unless another is given.
fn name(args: &mut Args, function: &Function, errors: &mut Errors) -> Text {
    let given = args.name.take().map(|name| name.value);
    let of_function = || literal(&function.sig.ident.unraw().to_string());
    text("__obs_name", given.unwrap_or_else(of_function), errors)
}

fn span_name(operation: &str, name: &Text) -> Name {
    let operation = Text {
        value: literal(operation),
        variable: "__obs_operation",
    };
    Name::Texts(vec![operation, name.clone()])
}

/// The attributes that say what is done, and by whom.
fn named(key: &'static str, operation: &str, name: &Text) -> Vec<Field> {
    vec![
        constant("GEN_AI_OPERATION_NAME", operation, Span::call_site()),
        field(key, name),
    ]
}

fn described(key: &'static str, description: Option<LitStr>) -> Option<Field> {
    description.map(|text| constant(key, &text.value(), text.span()))
}

fn constant(key: &'static str, text: &str, at: Span) -> Field {
    let text = LitStr::new(text, at);
    let value = FieldValue::Const(Constant::Str(text));
    Field::own(FieldKey::Convention(key), value, at)
}

/// The parameter that is a `&ToolCallId`.
fn id_parameter(function: &Function) -> Option<Ident> {
    function.sig.inputs.iter().find_map(|arg| {
        let FnArg::Typed(arg) = arg else { return None };
        let (Pat::Ident(name), Type::Reference(reference)) = (&*arg.pat, shape::plain(&arg.ty))
        else {
            return None;
        };
        let last = shape::last_segment(&reference.elem)?;
        (last.ident == "ToolCallId").then(|| name.ident.clone())
    })
}

/// The parameters that tell one call of a tool from another.
fn told_by(function: &Function, id: Option<&Ident>) -> ToldBy {
    let names = parameters(function).into_iter();
    let names = names.filter(|name| Some(name) != id);
    let (mut receiver, parameters): (Vec<_>, Vec<_>) = names.partition(|name| name == "self");
    ToldBy {
        receiver: receiver.pop(),
        parameters,
    }
}

/// A limit ends the body of the function where that waits: it must be seen.
fn check_item(at: Span, function: &Function, stream: Option<&Given<bool>>, errors: &mut Errors) {
    if let Some(stream) = stream.filter(|stream| stream.value) {
        let message = "a stream is not ended by a limit yet: limit the agent that reads it";
        errors.push(stream.at, message);
    }
    let output = &function.sig.output;
    let boxed = |last: &syn::PathSegment| {
        ["Pin", "BoxFuture", "LocalBoxFuture"]
            .iter()
            .any(|name| last.ident == name)
    };
    let gives_future = shape::future_output(output).is_some()
        || shape::returned(output)
            .and_then(shape::last_segment)
            .is_some_and(boxed);
    if function.sig.asyncness.is_none() && gives_future {
        let message = "a limit needs an `async fn`: what becomes of a returned future is not seen";
        errors.push(at, message);
    }
}

/// A limit of zero lets nothing begin.
fn check_limits(limits: &[Given<(Limit, Expr)>], errors: &mut Errors) {
    for limit in limits {
        let (_, value) = &limit.value;
        if is_below_one(value) {
            errors.push_on(
                value,
                "a limit is at least 1: leave it out if there is none",
            );
        }
    }
}
