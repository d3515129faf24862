use quote::quote;

use super::{is_secret, judge};
use crate::attr::fields::{Constant, Field, FieldValue, parse};
use crate::errors::Errors;

fn judged(tokens: proc_macro2::TokenStream) -> (Vec<Field>, Vec<String>) {
    let mut errors = Errors::default();
    let mut fields = parse(tokens, &mut errors);
    judge(&mut fields, &mut errors);
    (fields, errors.messages())
}

fn errors(tokens: proc_macro2::TokenStream) -> Vec<String> {
    judged(tokens).1
}

#[test]
fn secrets_need_a_decision() {
    assert!(is_secret("password") && is_secret("user.auth_token") && is_secret("X-Api-Key"));
    assert!(!is_secret("tokens") && !is_secret("token_count") && !is_secret("broken"));
    assert_eq!(
        errors(quote!(password)),
        [
            "`password` sounds like a secret: write `redact password` to record only that it was \
          there, or `allow password` to record its value"
        ]
    );
    let (fields, errors) = judged(quote!(allow token = t, redact password, redact secret = n));
    assert_eq!(errors, [""; 0]);
    assert!(matches!(fields[0].value, FieldValue::Capture(_)));
    for redacted in &fields[1..] {
        let FieldValue::Const(Constant::Str(text)) = &redacted.value else {
            panic!("the value is still there");
        };
        assert_eq!(text.value(), "***");
    }
}

#[test]
fn a_key_is_given_once() {
    assert_eq!(
        errors(quote!(a = 1, b, "a" = 2)),
        ["the field `a` is given twice"]
    );
}

#[test]
fn a_later_value_is_set_by_a_call() {
    assert_eq!(errors(quote!(rows = tracing::field::Empty)).len(), 1);
}

#[test]
fn each_field_is_judged() {
    assert_eq!(
        errors(quote!(token, password = p, rows = field::Empty)).len(),
        3
    );
}
