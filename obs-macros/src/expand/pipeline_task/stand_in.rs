//! What stands beside a task with errors, so that its errors are the only ones.

use proc_macro2::TokenStream;

use super::names::output;
use crate::ast::Function;
use crate::crate_path;
use crate::expand::pieces::cfgs;
use crate::hygiene::quote;

/// A task of no pipeline, which the dependants of the task with errors find.
pub(crate) fn expand(item: &Function) -> TokenStream {
    let sig = &item.sig;
    let krate = crate_path::resolve(None);
    let glue = quote!(#krate::private::pipeline);
    let (vis, ident) = (&item.vis, &sig.ident);
    let (cfgs, output) = (cfgs(item), output(&sig.output, &glue));
    quote! {
        #(#cfgs)*
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #ident {}

        #(#cfgs)*
        const _: () = {
            static __OBS_TASK: #glue::TaskMeta = #glue::TaskMeta {
                pipeline: "",
                name: "",
                path: "",
                file: "",
                line: 0,
                dependencies: &[],
                policy: #glue::TaskPolicy::DEFAULT,
                about: #glue::About::NONE,
                map: ::core::option::Option::None,
                error_types: &[],
                requires: &[],
                run: |_| loop {},
            };
            impl #glue::PipelineTask for #ident {
                type Each = #output;
                type Output = #output;
            }
            #[allow(dead_code)]
            impl #ident {
                pub const fn __obs_task() -> &'static #glue::TaskMeta {
                    &__OBS_TASK
                }
            }
        };
    }
}
