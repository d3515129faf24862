//! What is measured while a call lasts: `timings` and `track_concurrency`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;

use crate::ast::Function;
use crate::hygiene::quote;
use crate::plan::Plan;
use crate::shape::Shape;

/// Whether the body is that of a future, which the function only makes.
fn in_future(plan: &Plan) -> bool {
    matches!(
        plan.shape,
        Shape::Async | Shape::AsyncKept | Shape::InBox(_)
    )
}

/// Statements of a function before its span begins.
pub(super) fn before(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.site.krate;
    let in_flight = (!in_future(plan)).then(|| in_flight(function, plan));
    let watch = plan.timings.map(|_| {
        let begin = if in_future(plan) {
            quote!(idle)
        } else {
            quote!(started)
        };
        quote!(let __obs_watch = #krate::private::Stopwatch::#begin();)
    });
    quote!(#in_flight #watch)
}

/// The first statement of a future's body.
pub(super) fn in_body(function: &Function, plan: &Plan) -> Option<TokenStream> {
    in_future(plan).then(|| in_flight(function, plan)).flatten()
}

fn in_flight(function: &Function, plan: &Plan) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    let name = function.sig.ident.unraw().to_string();
    plan.concurrency.then(|| {
        quote! {
            let __obs_in_flight = #krate::private::InFlight::enter(
                {
                    static __OBS_IN_FLIGHT: #krate::private::InFlightSite =
                        #krate::private::in_flight_site(&[
                            (#krate::private::key::FUNCTION, ::core::option::Option::Some(#name)),
                            (
                                #krate::private::key::MODULE,
                                ::core::option::Option::Some(::core::module_path!()),
                            ),
                        ]);
                    &__OBS_IN_FLIGHT
                },
            );
        }
    })
}

/// The kind with what lasts as long as it does.
pub(super) fn kind(plan: &Plan, kind: TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let kind = match plan.timings {
        Some(_) => quote!(#krate::private::layered(#kind, __obs_watch)),
        None => kind,
    };
    if plan.concurrency && !in_future(plan) {
        quote!(#krate::private::layered(#kind, __obs_in_flight))
    } else {
        kind
    }
}
