use quote::quote;

use super::{is_secret, judge};
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue, parse};
use crate::errors::Errors;

fn judged(tokens: proc_macro2::TokenStream) -> (Vec<Field>, Vec<String>) {
    let mut errors = Errors::default();
    let mut fields = parse(tokens, &mut errors);
    judge(&mut fields, None, &mut errors);
    (fields, errors.messages())
}

/// The keys of the fields that a function with these parameters records, and the errors.
fn recorded(
    fields: proc_macro2::TokenStream,
    parameters: &proc_macro2::TokenStream,
) -> (Vec<String>, Vec<String>) {
    let mut errors = Errors::default();
    let mut fields = parse(fields, &mut errors);
    let item = syn::parse_quote!(fn f(#parameters) {});
    let crate::ast::Item::Function(function) = item else {
        panic!("it is a function");
    };
    judge(&mut fields, Some(&function), &mut errors);
    let key = |field: &Field| match &field.key {
        FieldKey::Text(key) => key.clone(),
        _ => "{}".to_owned(),
    };
    (fields.iter().map(key).collect(), errors.messages())
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
fn a_field_without_a_value_is_declared() {
    let parameters = quote!(&self, id: u64, (a, b): (u8, u8));
    let fields = quote!(
        id,
        a,
        late,
        http.status_code,
        self.x,
        LIMIT,
        rows = Empty,
        left = tracing::field::Empty,
        token,
        { KEY } = field::Empty,
        is_empty = Shape::Empty,
        same = same
    );
    let (keys, errors) = recorded(fields, &parameters);
    assert_eq!(errors, [""; 0]);
    assert_eq!(keys, ["id", "a", "self.x", "LIMIT", "is_empty", "same"]);
    // What another macro has renamed may be there under its old name.
    let (keys, _) = recorded(quote!(a), &quote!(__arg0: (u8, u8)));
    assert_eq!(keys, ["a"]);
}

// bug: a plural was taken for a misspelled parameter.
#[test]
fn a_declared_field_may_be_called_almost_like_a_parameter() {
    let parameters = quote!(row: u32, token1: u8, tag: &str);
    let (keys, errors) = recorded(quote!(rows, token2, tags.len, tug), &parameters);
    assert_eq!(errors, [""; 0]);
    assert_eq!(keys, [""; 0]);
}

#[test]
fn a_declared_field_that_is_like_a_parameter_is_a_question() {
    let (_, errors) = recorded(quote!(ip, hots.name), &quote!(id: u8, host: &str));
    assert_eq!(
        errors,
        [
            "the function has no parameter `hots`; did you mean `host`? A field whose value comes \
             later needs no entry here, since `current::record(\"hots.name\", value)` sets it; \
             `hots.name = obs_runtime::field::Empty` declares it all the same"
        ]
    );
}

#[test]
fn a_word_about_a_secret_needs_a_value() {
    for fields in [quote!(allow token), quote!(redact x = Empty)] {
        let (_, errors) = recorded(fields, &quote!());
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("leave the word out"), "{errors:?}");
    }
}

#[test]
fn each_field_is_judged() {
    assert_eq!(errors(quote!(token, password = p, a, a = 1)).len(), 3);
}
