//! `Mapping`: how a mapped task finds its items, and what it makes of their outputs.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::names::dependency_output;
use crate::attr::pipeline_task::AllowFailed;
use crate::expand::pieces::{at, located};
use crate::hygiene::quote;
use crate::valid::pipeline_task::Task;

/// A constant of the type `Mapping`, if the task is mapped.
pub(super) fn mapping(task: &Task, glue: &TokenStream) -> Option<TokenStream> {
    let mapped = task.map.as_ref()?;
    let map = &mapped.map;
    let source = mapped.source;
    let output = dependency_output(&task.dependencies[source].path, glue);
    let parallel = map.parallel.as_ref().map(|value| {
        let span = located(value);
        quote_spanned!(span=> .parallel(#value))
    });
    let max = map.max.as_ref().map(|value| {
        let span = located(value);
        quote_spanned!(span=> .max(#value))
    });
    let allow_failed = map.allow_failed.as_ref().map(|allowed| match allowed {
        AllowFailed::Count(value) => {
            let span = located(value);
            let here = at(glue, span);
            quote_spanned!(span=> .allow_failed(#here::AllowFailed::Count(#value)))
        }
        AllowFailed::Part(part) => quote!(.allow_failed(#glue::AllowFailed::Part(#part))),
    });
    let ident = &task.annotated.function.sig.ident;
    let collect = if map.allow_failed.is_some() {
        quote!(#glue::collect_some::<<#ident as #glue::PipelineTask>::Each>)
    } else {
        quote!(#glue::collect_all::<<#ident as #glue::PipelineTask>::Each>)
    };
    let span = located(&map.source);
    let (here, output) = (at(glue, span), at(&output, span));
    let count = quote_spanned!(span=> #here::count_items::<#output>);
    Some(quote! {
        #glue::Mapping {
            rule: #glue::MapRule::DEFAULT #parallel #max #allow_failed,
            source: #source,
            count: #count,
            collect: #collect,
        }
    })
}
