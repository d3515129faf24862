use quote::{ToTokens as _, quote};

use super::{Constant, Field, FieldKey, FieldValue, parse};
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
        FieldKey::Convention(name) => panic!("no user writes {name}"),
    };
    let value = match &field.value {
        FieldValue::Capture(value) | FieldValue::Named(value) => {
            value.to_token_stream().to_string()
        }
        FieldValue::Display(value) => format!("% {}", value.to_token_stream()),
        FieldValue::Debug(value) => format!("? {}", value.to_token_stream()),
        FieldValue::Const(Constant::Str(text)) => format!("const Str({})", text.token()),
        FieldValue::Const(Constant::Bool(value)) => format!("const Bool({})", value.value),
        FieldValue::Const(Constant::I64(value)) => format!("const I64({value}i64)"),
        FieldValue::Const(Constant::F64(value)) => format!("const F64({value}f64)"),
        FieldValue::Argument(_) | FieldValue::Variable(_) | FieldValue::Attempt => {
            panic!("no user writes these")
        }
    };
    format!("{key} = {value}").replace(' ', "")
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
fn a_word_before_a_field_is_a_field_unless_one_follows() {
    let found = fields(quote!(allow token = t, redact password, allow, redact = 1 + n));
    assert_eq!(
        found,
        ["token=t", "password=password", "allow=allow", "redact=1+n"]
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
