//! `#[llm_call]` and `#[vector_op]`: calls whose attributes and name a convention gives.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use crate::ast::Function;
use crate::attr::table::{LLM_CALL, Table, VECTOR_OP};
use crate::attr::{ArgList, Args, Field, FieldKey, FieldValue, as_text, plain};
use crate::crate_path;
use crate::driver;
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::valid::follow::follow;
use crate::valid::{Own, Running};

pub(crate) fn llm_call(tokens: TokenStream, item: TokenStream) -> TokenStream {
    driver::on_function(&LLM_CALL, tokens, item, llm_own)
}

pub(crate) fn vector_op(tokens: TokenStream, item: TokenStream) -> TokenStream {
    driver::on_function(&VECTOR_OP, tokens, item, vector_own)
}

/// A text argument: known here, or evaluated once inside the span.
struct Text {
    /// The text, if it is a literal.
    literal: Option<String>,
    /// An expression that may be used several times.
    value: TokenStream,
}

/// Collects what the text arguments of one macro add.
struct Texts {
    krate: TokenStream,
    own: Own,
}

impl Texts {
    fn new(args: &Args, construct: &'static str) -> Self {
        Self {
            krate: crate_path::resolve(args.crate_path.as_ref()),
            own: Own {
                construct,
                kind: Some("Client"),
                ..Own::default()
            },
        }
    }

    /// Notes the argument as the attribute `key`; `variable` keeps a text that is no literal.
    fn add(&mut self, variable: &str, key: &str, value: &Expr) -> Text {
        let krate = &self.krate;
        let key = Ident::new(key, Span::mixed_site());
        let key = FieldKey::Const(syn::parse_quote!(#krate::private::key::#key));
        let span = value.span();
        let (text, field) = if let Some(text) = as_text(value) {
            let literal = Text {
                literal: Some(text.value()),
                value: text.to_token_stream(),
            };
            (literal, FieldValue::Const(quote!(Str(#text))))
        } else {
            let variable = Ident::new(variable, Span::mixed_site());
            let here = Span::mixed_site().located_at(span);
            let bind = quote_spanned!(here=> let #variable = #krate::private::text(&(#value)););
            self.own.before.extend(bind);
            let dynamic = Text {
                literal: None,
                value: quote!(#variable.clone()),
            };
            (dynamic, FieldValue::Capture(syn::parse_quote!(#variable)))
        };
        self.own.fields.push(Field {
            key,
            value: field,
            span,
        });
        text
    }

    /// Notes an attribute that never changes.
    fn constant(&mut self, key: &str, value: TokenStream) {
        let krate = &self.krate;
        let key = Ident::new(key, Span::mixed_site());
        self.own.fields.push(Field {
            key: FieldKey::Const(syn::parse_quote!(#krate::private::key::#key)),
            value: FieldValue::Const(value),
            span: Span::call_site(),
        });
    }

    /// `{first} {second}`, as the conventions name such spans.
    fn name(&mut self, first: &Text, second: Option<&Text>) {
        let Some(second) = second else {
            match &first.literal {
                Some(text) => self.own.name = Some(quote!(#text)),
                None => self.own.dynamic_name = Some(first.value.clone()),
            }
            return;
        };
        if let (Some(first), Some(second)) = (&first.literal, &second.literal) {
            let name = format!("{first} {second}");
            self.own.name = Some(quote!(#name));
        } else {
            let krate = &self.krate;
            let (first, second) = (&first.value, &second.value);
            self.own.dynamic_name = Some(quote!(#krate::private::join(&#first, &#second)));
        }
    }
}

fn llm_own(
    list: &mut ArgList,
    args: &Args,
    function: &Function,
    errors: &mut Errors,
) -> Option<Own> {
    not_yet(
        list,
        &[
            ("capture", "no content is recorded"),
            ("budget", "this version has no budgets"),
            ("reserve", "this version has no budgets"),
        ],
        errors,
    );
    let follow = follow(list, &LLM_CALL, function, errors);
    let provider = required(list, &LLM_CALL, "provider", "\"openai\"", errors);
    let model = required(list, &LLM_CALL, "model", "\"gpt-4o-mini\"", errors);
    let operation = match list.take("operation") {
        Some(arg) => arg.expr(errors),
        None => Some(syn::parse_quote!("chat")),
    };
    let usage = list.take("usage").and_then(|arg| arg.expr(errors));
    let mut texts = Texts::new(args, "LlmCall");
    if follow.items() {
        texts.constant("GEN_AI_REQUEST_STREAM", quote!(Bool(true)));
    }
    let provider = texts.add("__obs_provider", "GEN_AI_PROVIDER_NAME", &provider?);
    let operation = texts.add("__obs_operation", "GEN_AI_OPERATION_NAME", &operation?);
    let model = texts.add("__obs_model", "GEN_AI_REQUEST_MODEL", &model?);
    texts.name(&operation, Some(&model));
    let krate = texts.krate.clone();
    let (provider, operation, model) = (provider.value, operation.value, model.value);
    let span = usage.as_ref().map_or_else(Span::mixed_site, Expr::span);
    let usage = if let Some(closure) = usage {
        quote!(#closure)
    } else {
        quote!(|_| #krate::private::LlmResponse::default())
    };
    let mut own = texts.own;
    let begin = quote!(#krate::private::llm_begin(#provider, #operation, #model));
    let (begin, kind) = if follow.items() {
        (
            quote!(#krate::private::llm_streaming(#begin)),
            "llm_items_kind",
        )
    } else {
        (begin, "llm_kind")
    };
    own.follow = follow;
    own.running = Some(Running {
        begin,
        kind,
        closures: vec![usage],
        span,
    });
    Some(own)
}

fn vector_own(
    list: &mut ArgList,
    args: &Args,
    function: &Function,
    errors: &mut Errors,
) -> Option<Own> {
    let follow = follow(list, &VECTOR_OP, function, errors);
    let system = required(list, &VECTOR_OP, "system", "\"qdrant\"", errors);
    let operation = required(list, &VECTOR_OP, "operation", "\"upsert\"", errors);
    let mut take = |name: &str| match list.take(name) {
        Some(arg) => arg.expr(errors).map(Some),
        None => Some(None),
    };
    let (collection, count, dimensions) = (take("collection"), take("count"), take("dimensions"));
    let mut texts = Texts::new(args, "VectorOp");
    let krate = texts.krate.clone();
    let system = texts.add("__obs_system", "DB_SYSTEM_NAME", &system?);
    let operation = texts.add("__obs_operation", "DB_OPERATION_NAME", &operation?);
    let collection = collection?.map(|c| texts.add("__obs_collection", "DB_COLLECTION_NAME", &c));
    texts.name(&operation, collection.as_ref());
    let (system, operation) = (system.value, operation.value);
    let collection = collection.map_or_else(|| quote!(""), |c| c.value);
    let mut own = texts.own;
    let count = number(count?.as_ref(), &krate);
    let dimensions = number(dimensions?.as_ref(), &krate);
    let (count_now, dimensions_now) = (count.now, dimensions.now);
    let begin = quote! {
        #krate::private::vector_start(
            #krate::private::vector_begin(#system, #operation, #collection),
            #count_now,
            #dimensions_now,
        )
    };
    let (begin, kind) = if follow.items() {
        let begin = quote!(#krate::private::vector_streaming(#begin));
        (begin, "vector_items_kind")
    } else {
        (begin, "vector_kind")
    };
    own.follow = follow;
    own.running = Some(Running {
        begin,
        kind,
        closures: vec![count.later, dimensions.later],
        span: Span::mixed_site(),
    });
    Some(own)
}

/// A number of a vector operation: an expression before the call, or a closure on its `Ok` value.
struct Number {
    now: TokenStream,
    later: TokenStream,
}

fn number(value: Option<&Expr>, krate: &TokenStream) -> Number {
    let none = quote!(::core::option::Option::None::<usize>);
    let nothing = quote!(|_| ::core::option::Option::None::<usize>);
    let Some(value) = value else {
        return Number {
            now: none,
            later: nothing,
        };
    };
    let span = Span::mixed_site().located_at(value.span());
    if matches!(plain(value), Expr::Closure(_)) {
        Number {
            now: none,
            later: quote!(#value),
        }
    } else {
        Number {
            now: quote_spanned!(span=> #krate::private::IntoCount::into_count(#value)),
            later: nothing,
        }
    }
}

/// An argument that the macro cannot do without.
fn required(
    list: &mut ArgList,
    table: &Table,
    name: &str,
    example: &str,
    errors: &mut Errors,
) -> Option<Expr> {
    if let Some(arg) = list.take(name) {
        arg.expr(errors)
    } else {
        errors.push(
            Span::call_site(),
            format!("`#[{}]` needs `{name} = {example}`", table.name),
        );
        None
    }
}

/// Arguments of the grammar that this version does not act on: refused rather than ignored.
fn not_yet(list: &mut ArgList, remedies: &[(&str, &str)], errors: &mut Errors) {
    for (name, remedy) in remedies {
        if let Some(arg) = list.take(name) {
            errors.push(arg.span(), format!("`{name}` does not work yet: {remedy}"));
        }
    }
}
