use proc_macro2::TokenStream;
use quote::quote;

use crate::attr::main_fn::MainArgs;
use crate::attr::{parsed, table};
use crate::errors::Errors;

/// Whether the macro handles the signals of a program.
fn handles_signals(arguments: TokenStream, body: &TokenStream) -> bool {
    let mut errors = Errors::default();
    let item = quote!(async fn main() { #body });
    let take = MainArgs::take;
    let parsed = parsed::parse(&table::MAIN, take, arguments, item, &mut errors).unwrap();
    let main = super::main(parsed, &mut errors).unwrap();
    assert_eq!(errors.messages(), [""; 0]);
    main.signals
}

#[test]
fn a_body_that_waits_for_signals_keeps_them() {
    let handles = |body| handles_signals(quote!(), &body);
    assert!(!handles(quote!(tokio::signal::ctrl_c().await.unwrap();)));
    assert!(!handles(quote!({
        serve(listener, app).with_graceful_shutdown(stopped()).await
    })));
    assert!(!handles(
        quote!(run(|| signal(SignalKind::terminate())).await;)
    ));
    assert!(handles(
        quote!(println!("press ctrl_c"); serve(listener, app).await;)
    ));
    assert!(handles(quote!()));
}

#[test]
fn what_is_written_comes_first() {
    let waits = quote!(ctrl_c().await);
    assert!(handles_signals(quote!(signals = true), &waits));
    assert!(!handles_signals(quote!(signals = false), &quote!()));
}
