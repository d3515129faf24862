use serde::Serialize;
use serde_json::json;

use super::*;

#[derive(Serialize)]
struct Values {
    #[serde(serialize_with = "float")]
    one: f64,
    #[serde(serialize_with = "float_or_null")]
    known: Option<f64>,
    #[serde(serialize_with = "float_or_null")]
    unknown: Option<f64>,
    #[serde(serialize_with = "floats")]
    many: Vec<f64>,
}

#[test]
fn a_float_without_a_number_in_json_is_a_text() {
    let values = Values {
        one: f64::NAN,
        known: Some(f64::NEG_INFINITY),
        unknown: None,
        many: vec![0.5, f64::INFINITY],
    };
    assert_eq!(
        serde_json::to_value(values).unwrap(),
        json!({"one": "NaN", "known": "-Infinity", "unknown": null, "many": [0.5, "Infinity"]})
    );
}

#[test]
fn pairs_are_an_object_without_a_key_twice() {
    let pairs = [("b", 1), ("a", 2), ("b", 3)];
    assert_eq!(
        serde_json::to_string(&Map(&pairs)).unwrap(),
        r#"{"a":2,"b":3}"#
    );
    assert_eq!(serde_json::to_string(&Map::<&str, u8>(&[])).unwrap(), "{}");
}
