//! `#[obs_runtime::main]`.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType};

use crate::ast::{Function, Item};
use crate::attr::ArgList;
use crate::attr::table::MAIN;
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::{attr, crate_path, expand, fallback, shape, valid};

/// The arguments, judged.
struct Settings {
    service: Option<Expr>,
    setup: Option<Expr>,
    worker_threads: Option<Expr>,
    current_thread: bool,
    signals: bool,
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take(syn::parse2::<Item>(item.clone()));
    let expanded = parsed.and_then(|parsed| {
        let mut list = ArgList::parse(tokens, &MAIN, &mut errors);
        let krate = attr::crate_path(&mut list, &mut errors);
        let krate = crate_path::resolve(krate.as_ref());
        let function = valid::function(parsed, &MAIN, &mut errors)?;
        let settings = settings(&mut list, &function, &mut errors);
        errors
            .is_empty()
            .then(|| generate(&krate, &settings, &function))
    });
    expanded.unwrap_or_else(|| fallback::beside(errors, item))
}

fn settings(list: &mut ArgList, function: &Function, errors: &mut Errors) -> Settings {
    if let Some(parameter) = function.sig.inputs.first() {
        errors.push_on(
            parameter,
            "`#[obs_runtime::main]` needs a function without parameters",
        );
    }
    let is_async = function.sig.asyncness.is_some();
    let flavor = list.take("flavor");
    let workers = list.take("worker_threads");
    for arg in flavor.iter().chain(&workers) {
        if !is_async {
            let message = "only `async fn main` has a runtime to set up";
            errors.push(arg.span(), message);
        }
    }
    let flavor = flavor.and_then(|arg| arg.word(&["multi_thread", "current_thread"], errors));
    let current_thread = flavor == Some("current_thread");
    if let Some(arg) = workers.as_ref().filter(|_| current_thread) {
        let message = "the flavor \"current_thread\" has no worker threads";
        errors.push(arg.span(), message);
    }
    let mut expr = |arg: Option<attr::Arg>| arg.and_then(|arg| arg.expr(errors));
    Settings {
        service: expr(list.take("service")),
        setup: expr(list.take("setup")),
        worker_threads: expr(workers),
        current_thread,
        signals: list
            .take("signals")
            .and_then(|arg| arg.switch(errors))
            .unwrap_or(true),
    }
}

fn generate(krate: &TokenStream, settings: &Settings, function: &Function) -> TokenStream {
    let at = |expr: &Expr| Span::mixed_site().located_at(expr.span());
    let service = settings.service.as_ref().map(|service| {
        let span = at(service);
        quote_spanned!(span=> .service(#service))
    });
    let setup = settings.setup.as_ref().map(|setup| {
        let span = at(setup);
        quote_spanned!(span=> .setup(#setup))
    });
    let workers = settings.worker_threads.as_ref().map(|workers| {
        let span = at(workers);
        quote_spanned!(span=> .worker_threads(#workers))
    });
    let current_thread = settings.current_thread.then(|| quote!(.current_thread()));
    let signals = (!settings.signals).then(|| quote!(.without_signals()));
    let options = quote! {
        #krate::private::Main::new() #service #setup #workers #current_thread #signals
    };
    let body = &function.body;
    let returned = expand::returned(&function.sig.output);
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
    let Function { attrs, vis, .. } = function;
    quote!(#(#attrs)* #vis #sig { #run })
}
