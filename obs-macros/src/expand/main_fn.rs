//! `#[obs_runtime::main]`: the program's main function, inside what starts and ends obs.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType};

use super::assemble::assemble;
use super::types;
use crate::crate_path;
use crate::hygiene::quote;
use crate::shape;
use crate::valid::main_fn::Main;

/// The main function, expanded.
pub(crate) fn expand(main: &Main) -> TokenStream {
    let Main {
        krate, function, ..
    } = main;
    let options = options(main);
    let body = &function.body;
    let returned = types::returned(&function.sig.output);
    let mut sig = function.sig.clone();
    let run = if sig.asyncness.take().is_some() {
        let never = match &function.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => shape::is_never(Some(ty)),
        };
        let expect = (!never).then(|| {
            let span = Span::mixed_site().located_at(function.sig.output.span());
            let krate = crate_path::at(krate, span);
            quote_spanned!(span=> if false { return #krate::private::absurd::<#returned>(); })
        });
        quote!(#options.run_async(async move { #expect (#body) }))
    } else {
        quote!(#options.run(move || -> #returned { (#body) }))
    };
    assemble(function, &sig, &quote!({ #run }))
}

/// `Main::new()…`
fn options(main: &Main) -> TokenStream {
    let krate = &main.krate;
    let at = |expr: &Expr| Span::mixed_site().located_at(expr.span());
    let service = main.service.as_ref().map(|service| {
        let span = at(service);
        quote_spanned!(span=> .service(#service))
    });
    let setup = main.setup.as_ref().map(|setup| {
        let span = at(setup);
        quote_spanned!(span=> .setup(#setup))
    });
    let workers = main.worker_threads.as_ref().map(|workers| {
        let span = at(workers);
        quote_spanned!(span=> .worker_threads(#workers))
    });
    let current_thread = main.current_thread.then(|| quote!(.current_thread()));
    let signals = (!main.signals).then(|| quote!(.without_signals()));
    quote! {
        #krate::private::Main::new(
            [
                ::core::option_env!("CARGO_BIN_NAME"),
                ::core::option_env!("CARGO_PKG_NAME"),
            ],
            ::core::option_env!("CARGO_PKG_VERSION"),
        ) #service #setup #workers #current_thread #signals
    }
}
