use quote::quote;
use syn::parse_quote;

use super::{Arg, ArgValue, LevelArg, read};
use crate::errors::Errors;

/// The level that an argument says, or what is said of it.
fn said(value: &proc_macro2::TokenStream) -> Result<String, String> {
    let mut errors = Errors::default();
    let arg = Arg {
        name: parse_quote!(level),
        value: ArgValue::Expr(parse_quote!(#value)),
    };
    let level = read(arg, &mut errors);
    match level {
        Some(LevelArg::Variant(level)) => Ok(level.to_owned()),
        Some(LevelArg::Named(level, path)) => Ok(format!("{level} by {}", quote!(#path))),
        Some(LevelArg::Path(path)) => Ok(quote!(#path).to_string()),
        None => Err(errors.messages().concat()),
    }
}

#[test]
fn words_numbers_and_paths_say_a_level() {
    let level = |value| said(&value).expect("a level");
    assert_eq!(level(quote!("wArN")), "Warn");
    assert_eq!(level(quote!(1)), "Trace");
    assert_eq!(level(quote!(5)), "Error");
    assert_eq!(level(quote!(Level::DEBUG)), "Debug by Level :: DEBUG");
    assert_eq!(
        level(quote!(::tracing::Level::ERROR)),
        "Error by :: tracing :: Level :: ERROR"
    );
    // The variants of obs, and constants of the user, are what they are.
    assert_eq!(level(quote!(Level::Debug)), "Level :: Debug");
    assert_eq!(level(quote!(crate::LOUD)), "crate :: LOUD");
}

#[test]
fn what_is_no_level_says_what_is() {
    let refused = |value| said(&value).expect_err("no level");
    assert!(refused(quote!("wran")).contains("did you mean \"warn\"?"));
    assert!(refused(quote!(0)).contains("from 1 (trace) to 5 (error)"));
    assert!(refused(quote!(6)).contains("from 1 (trace) to 5 (error)"));
    assert!(refused(quote!(level_of(x))).contains("`Level::DEBUG`"));
}
