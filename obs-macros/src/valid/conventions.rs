//! The rules for `#[llm_call]` and `#[vector_op]`: calls whose name and attributes a convention
//! gives.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, LitBool, LitStr, UnOp};

use super::follow;
use super::function::{self, Own};
use crate::attr::conventions::{Asked, LlmArgs, VectorArgs};
use crate::attr::duration::DurationArg;
use crate::attr::expr::{as_text, plain};
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue};
use crate::attr::list::{Given, Required};
use crate::attr::parsed::Parsed;
use crate::attr::table::Table;
use crate::errors::Errors;
use crate::plan::{Annotated, Chunks, Follow, Measurement, Name, Text};

/// Judges `#[llm_call]`.
pub(crate) fn llm_call(parsed: Parsed<LlmArgs>, errors: &mut Errors) -> Option<Annotated> {
    let table = parsed.table;
    let (function, args, own) = function::accept(parsed, errors)?;
    check_not_yet(&own.not_yet, errors);
    check_asked(&own.asked, errors);
    let follow = follow::decided(own.stream.as_ref(), table, &function, errors);
    let chunks = chunks(own.token, own.stall, own.stream.as_ref(), follow, errors);
    let provider = required(own.provider, table, "provider", "\"openai\"", errors);
    let model = required(own.model, table, "model", "\"gpt-4o-mini\"", errors);
    let provider = text("__obs_provider", provider?, errors);
    let operation = own.operation.unwrap_or_else(|| literal("chat"));
    let operation = text("__obs_operation", operation, errors);
    let model = text("__obs_model", model?, errors);
    let mut fields = Vec::new();
    if follow.items() {
        fields.push(Field::own(
            FieldKey::Convention("GEN_AI_REQUEST_STREAM"),
            FieldValue::Const(Constant::Bool(LitBool::new(true, Span::mixed_site()))),
            Span::call_site(),
        ));
    }
    fields.extend([
        field("GEN_AI_PROVIDER_NAME", &provider),
        field("GEN_AI_OPERATION_NAME", &operation),
        field("GEN_AI_REQUEST_MODEL", &model),
    ]);
    let own = Own {
        construct: "LlmCall",
        name: Name::Texts(vec![operation.clone(), model.clone()]),
        kind: Some("Client"),
        fields,
        measurement: Some(Measurement::LlmCall {
            provider,
            operation,
            model,
            asked: own.asked.into_iter().map(|given| given.value).collect(),
            usage: own.usage,
            refused: own.refused,
            chunks,
        }),
        follow,
    };
    Some(function::annotated(function, args, own, errors))
}

/// Judges what concerns the chunks of a streamed answer: without a stream there are none.
fn chunks(
    token: Option<Given<Expr>>,
    stall: Option<Given<DurationArg>>,
    stream: Option<&Given<bool>>,
    follow: Follow,
    errors: &mut Errors,
) -> Chunks {
    // A `stream` that does not fit has been reported.
    if !follow.items() && stream.is_none_or(|stream| !stream.value) {
        if let Some(token) = &token {
            errors.push(
                token.at,
                "`token` needs `stream`: it says which chunks of a streamed answer hold output",
            );
        }
        if let Some(stall) = &stall {
            errors.push(
                stall.at,
                "`stall` needs `stream`: it is the longest wait for a chunk of a streamed answer; an answer that \
                 comes whole is limited by the timeout of its client",
            );
        }
    }
    Chunks {
        token: token.map(|token| token.value),
        stall,
    }
}

/// Judges `#[vector_op]`.
pub(crate) fn vector_op(parsed: Parsed<VectorArgs>, errors: &mut Errors) -> Option<Annotated> {
    let table = parsed.table;
    let (function, args, own) = function::accept(parsed, errors)?;
    let follow = follow::decided(own.stream.as_ref(), table, &function, errors);
    let system = required(own.system, table, "system", "\"qdrant\"", errors);
    let operation = required(own.operation, table, "operation", "\"upsert\"", errors);
    let system = text("__obs_system", system?, errors);
    let operation = text("__obs_operation", operation?, errors);
    let collection = own
        .collection
        .map(|value| text("__obs_collection", value, errors));
    let mut fields = vec![
        field("DB_SYSTEM_NAME", &system),
        field("DB_OPERATION_NAME", &operation),
    ];
    let mut name = vec![operation.clone()];
    if let Some(collection) = &collection {
        fields.push(field("DB_COLLECTION_NAME", collection));
        name.push(collection.clone());
    }
    let own = Own {
        construct: "VectorOp",
        name: Name::Texts(name),
        kind: Some("Client"),
        fields,
        measurement: Some(Measurement::VectorOp {
            system,
            operation,
            collection,
            count: own.count,
            dimensions: own.dimensions,
        }),
        follow,
    };
    Some(function::annotated(function, args, own, errors))
}

/// A text argument; `variable` keeps a text that is no literal.
pub(super) fn text(variable: &'static str, value: Expr, errors: &mut Errors) -> Text {
    if as_text(&value).is_some_and(|text| text.value().trim().is_empty()) {
        let name = variable.trim_start_matches("__obs_");
        errors.push(
            value.span(),
            format!("`{name}` is empty: an empty text says nothing"),
        );
    }
    Text { value, variable }
}

/// The attribute that a text argument becomes.
pub(super) fn field(key: &'static str, text: &Text) -> Field {
    let value = match text.literal() {
        Some(literal) => FieldValue::Const(Constant::Str(literal.clone())),
        None => FieldValue::Variable(text.variable),
    };
    Field::own(FieldKey::Convention(key), value, text.value.span())
}

pub(super) fn literal(text: &str) -> Expr {
    Expr::Lit(ExprLit {
        attrs: Vec::new(),
        lit: Lit::Str(LitStr::new(text, Span::call_site())),
    })
}

/// An argument that the macro cannot do without.
fn required(
    argument: Required<Expr>,
    table: &Table,
    name: &str,
    example: &str,
    errors: &mut Errors,
) -> Option<Expr> {
    match argument {
        Required::Given(value) => Some(value),
        Required::Broken => None,
        Required::Missing => {
            errors.push(
                Span::call_site(),
                format!("`#[{}]` needs `{name} = {example}`", table.name),
            );
            None
        }
    }
}

/// What can be seen of the request without running the program.
fn check_asked(asked: &[Given<(Asked, Expr)>], errors: &mut Errors) {
    let given = |sought| asked.iter().find(|given| given.value.0 == sought);
    if let (Some(version), None) = (given(Asked::PromptVersion), given(Asked::Prompt)) {
        errors.push(
            version.at,
            "`prompt_version` is the version of a prompt: name it with `prompt = \"…\"`",
        );
    }
    for given in asked {
        let (asked, value) = &given.value;
        if *asked == Asked::MaxTokens && is_below_one(value) {
            errors.push_on(value, "`max_tokens` is at least 1");
        }
        let Some(text) = as_text(value).map(LitStr::value) else {
            continue;
        };
        let message = match asked {
            Asked::Server if !is_server(&text) => {
                "`server` is a URL or a host: `server = \"https://api.openai.com/v1\"`"
            }
            Asked::Tier | Asked::Prompt | Asked::PromptVersion if text.trim().is_empty() => {
                "an empty text says nothing: leave the argument out"
            }
            _ => continue,
        };
        errors.push(value.span(), message);
    }
}

/// Whether a number that stands in the source is negative or zero.
pub(super) fn is_below_one(value: &Expr) -> bool {
    match plain(value) {
        Expr::Unary(negative) => matches!(negative.op, UnOp::Neg(_)),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number
            .base10_parse::<u128>()
            .is_ok_and(|number| number == 0),
        _ => false,
    }
}

/// Whether a text can be a URL, a host, `host:port` or the path of a socket.
fn is_server(text: &str) -> bool {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    !host.is_empty() && !host.starts_with([':', '?', '#']) && !text.contains(char::is_whitespace)
}

/// Arguments of the grammar that this version does not act on are refused rather than ignored.
fn check_not_yet(arguments: &[(&'static str, Span)], errors: &mut Errors) {
    for (name, at) in arguments {
        let remedy = match *name {
            "capture" => "no content is recorded",
            _ => "this version has no budgets",
        };
        errors.push(*at, format!("`{name}` does not work yet: {remedy}"));
    }
}
