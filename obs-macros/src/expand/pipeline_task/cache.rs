//! The cache of a task: its rule, and the key of an attempt.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::names::{dependency_output, source_name};
use crate::expand::duration;
use crate::expand::pieces::{at, located, optional, variable};
use crate::hygiene::quote;
use crate::valid::pipeline_task::Task;
use crate::valid::pipeline_task::cache::{Cached, Key};
use crate::valid::pipeline_task::params::Param;

/// An `Option` of the type `CacheRule`.
pub(super) fn rule(task: &Task, glue: &TokenStream) -> TokenStream {
    optional(task.cache.as_ref().map(|cached| {
        let ttl = duration::tokens(&cached.ttl);
        let max = cached.max.as_ref().map(|max| {
            let span = located(max);
            quote_spanned!(span=> .max(#max))
        });
        let ident = &task.annotated.function.sig.ident;
        let has_key = matches!(cached.key, Key::Of { .. });
        let copy = task.map.as_ref().map(|_| {
            // A list of outputs takes each away from its item.
            let span = Span::mixed_site().located_at(cached.at);
            let here = at(glue, span);
            quote_spanned!(span=> .copy(#here::copied::<<#ident as #here::PipelineTask>::Each>))
        });
        quote!(#glue::CacheRule::new(#ttl, #has_key) #max #copy)
    }))
}

/// The variable `__key`: what the output of this attempt is known by.
pub(super) fn key(cached: &Cached, task: &Task, glue: &TokenStream) -> TokenStream {
    let key = variable("__key");
    match &cached.key {
        Key::Of { params, body } => {
            let values = params.iter().map(|param| {
                let (fetch, value) = value(param.position, task, glue);
                let name = &param.name;
                let coerced = param.ty.as_ref().map(|ty| quote!(let #name: #ty = #name;));
                quote!(#fetch let #name = #value; #coerced)
            });
            let span = located(body);
            let here = at(glue, span);
            let [said, of, feed] = ["__said", "__of", "__feed"].map(|name| Ident::new(name, span));
            quote_spanned! {span=>
                let #key = {
                    #(#values)*
                    #here::key(|| {
                        let #said = #body;
                        let #of = #here::key_probe(&#said).__obs_key();
                        let #said = #of(#said)?;
                        let #feed = #here::part_probe(&#said).__obs_feed();
                        ::core::option::Option::Some(#here::cache_key(&#said, #feed))
                    })
                };
            }
        }
        Key::All => {
            let hasher = variable("__hasher");
            let parts = task
                .params
                .iter()
                .enumerate()
                .filter_map(|(position, param)| {
                    if matches!(param, Param::Lent { .. }) {
                        return None;
                    }
                    let (fetch, value) = value(position, task, glue);
                    let (Param::Item { ty, .. }
                    | Param::Shared { ty, .. }
                    | Param::Output { ty, .. }
                    | Param::Lent { ty }
                    | Param::Value { ty }) = param;
                    let span = located(ty);
                    let (here, value) = (at(glue, span), at(&value, span));
                    let hasher = Ident::new("__hasher", span);
                    let part = if matches!(param, Param::Value { .. }) {
                        quote_spanned!(span=> #here::given_probe(#value).__obs_feed()(#value, #hasher);)
                    } else {
                        quote_spanned!(span=> #here::part_probe(#value).__obs_feed()(#value, #hasher);)
                    };
                    Some((fetch, part))
                });
            let (fetches, parts): (Vec<_>, Vec<_>) = parts.unzip();
            quote! {
                let #key = {
                    #(#fetches)*
                    #glue::key_of_parts(|#hasher| { #(#parts)* })
                };
            }
        }
    }
}

/// The statements that fetch what a parameter is made of, without taking it away, and a reference
/// to it.
fn value(position: usize, task: &Task, glue: &TokenStream) -> (TokenStream, TokenStream) {
    let context = variable("__context");
    let value = Ident::new(&format!("__part{position}"), Span::mixed_site());
    match &task.params[position] {
        Param::Item { position, .. } => {
            let output = dependency_output(&task.dependencies[*position].path, glue);
            let items = Ident::new(&format!("__parts{position}"), Span::mixed_site());
            let fetch = quote! {
                let #items = #glue::shared::<#output>(#context, #position)?;
                let #value = #glue::item::<#output>(&#items, #context)?;
            };
            (fetch, quote!(&*#value))
        }
        Param::Shared { position, .. } | Param::Output { position, .. } => {
            let output = dependency_output(&task.dependencies[*position].path, glue);
            let fetch = quote!(let #value = #glue::shared::<#output>(#context, #position)?;);
            (fetch, quote!(#glue::lend::<#output>(&#value)))
        }
        Param::Value { .. } => {
            let source = source_name(position);
            let fetch = quote!(let #value = (#source.get)(#context)?;);
            (fetch, quote!(&#value))
        }
        Param::Lent { .. } => (TokenStream::new(), TokenStream::new()),
    }
}
