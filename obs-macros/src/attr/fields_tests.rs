use quote::{ToTokens as _, quote};

use super::{Field, FieldKey, FieldValue, is_secret, parse};
use crate::errors::Errors;

fn fields(tokens: proc_macro2::TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    let fields = parse(tokens, &mut errors);
    assert_eq!(errors.messages(), [""; 0]);
    fields.iter().map(show).collect()
}

fn show(field: &Field) -> String {
    let key = match &field.key {
        FieldKey::Text(key) => key.clone(),
        FieldKey::Const(key) => format!("{{{}}}", key.to_token_stream()),
    };
    let value = match &field.value {
        FieldValue::Capture(value) => value.to_token_stream().to_string(),
        FieldValue::Display(value) => format!("% {}", value.to_token_stream()),
        FieldValue::Debug(value) => format!("? {}", value.to_token_stream()),
        FieldValue::Const(value) => format!("const {value}"),
    };
    format!("{key} = {value}").replace(' ', "")
}

fn errors(tokens: proc_macro2::TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    parse(tokens, &mut errors);
    errors.messages()
}

#[test]
fn every_form_of_a_field() {
    let found = fields(quote!(
        a, b = x + 1, c = %x, d = ?x, %e, ?f, self.g, self.0, "h i" = y, {KEY} = z,
        http.request.method = m, type = t, r#fn = u, vec = v::<A, B>(|p, q| p),
    ));
    assert_eq!(
        found,
        [
            "a=a",
            "b=x+1",
            "c=%x",
            "d=?x",
            "e=%e",
            "f=?f",
            "self.g=self.g",
            "self.0=self.0",
            "hi=y",
            "{KEY}=z",
            "http.request.method=m",
            "type=t",
            "fn=u",
            "vec=v::<A,B>(|p,q|p)",
        ]
    );
}

#[test]
fn literals_are_constants_unless_a_sigil_asks_for_text() {
    let found = fields(quote!(a = "x", b = 3u8, c = 1.5, d = true, e = %3, f = -1));
    assert_eq!(
        found,
        [
            "a=constStr(\"x\")",
            "b=constI64(3i64)",
            "c=constF64(1.5f64)",
            "d=constBool(true)",
            "e=%3",
            "f=-1"
        ]
    );
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
    assert_eq!(
        fields(quote!(allow token = t, redact password, allow, redact = 1 + n)),
        [
            "token=t",
            "password=constStr(\"***\")",
            "allow=allow",
            "redact=1+n"
        ]
    );
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
