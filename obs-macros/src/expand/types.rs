//! The return type, as the generated code repeats it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type};

use crate::hygiene::quote;
use crate::shape;

/// The declared type with each `impl …` replaced by `_`, so that an expression may be annotated
/// with it.
pub(super) fn annotation(ty: &Type) -> TokenStream {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = Type::Infer(syn::TypeInfer {
                    attrs: Vec::new(),
                    underscore_token: syn::Token![_](ty.span()),
                });
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Erase.visit_type_mut(&mut ty);
    ty.into_token_stream()
}

/// The declared type of a function, as an annotation; `()` if it says nothing.
pub(super) fn returned(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => annotation(ty),
    }
}

/// `impl Future<Output = …>` for an `async fn`'s output.
///
/// The span of `impl` decides about the capture of lifetimes: this crate's edition captures all,
/// as an `async fn` does. `parameters`: where the parameters' parenthesis closes.
pub(super) fn future(output: &ReturnType, parameters: Span, krate: &TokenStream) -> ReturnType {
    struct Respan;
    impl VisitMut for Respan {
        fn visit_type_impl_trait_mut(&mut self, ty: &mut syn::TypeImplTrait) {
            ty.impl_token.span = Span::mixed_site().located_at(ty.impl_token.span);
            visit_mut::visit_type_impl_trait_mut(self, ty);
        }
    }
    let (span, ty) = match output {
        ReturnType::Default => (Span::mixed_site().located_at(parameters), quote!(())),
        ReturnType::Type(_, ty) => {
            let span = Span::mixed_site().located_at(ty.span());
            let mut ty = ty.clone();
            Respan.visit_type_mut(&mut ty);
            if shape::is_never(Some(&ty)) {
                (span, quote!(<fn() -> ! as #krate::private::FnRet>::Ret))
            } else {
                (span, ty.into_token_stream())
            }
        }
    };
    // A signature that ends in a token of the user is the user's: lints say there what they say of
    // it.
    let last = match output {
        ReturnType::Default => parameters,
        ReturnType::Type(..) => last_span(output),
    };
    let end = quote_spanned!(last=> >);
    let future = quote_spanned!(span=> impl ::core::future::Future<Output = #ty #end);
    ReturnType::Type(syn::Token![->](span), Box::new(Type::Verbatim(future)))
}

/// The span of the last token.
fn last_span(tokens: &impl ToTokens) -> Span {
    match tokens.to_token_stream().into_iter().last() {
        Some(TokenTree::Group(group)) => group.span_close(),
        Some(tree) => tree.span(),
        None => Span::mixed_site(),
    }
}
