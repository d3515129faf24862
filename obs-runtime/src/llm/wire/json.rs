//! Values of JSON as an account needs them.

use serde_json::Value;

use crate::llm::usage::{Count, LlmResponse, TokenCount as _};

/// Longer texts are cut: whoever answers is a stranger.
const MAX_TEXT: usize = 256;

const EXACT: f64 = 9_007_199_254_740_992.0;

/// A count. What is missing is unknown, what is no number of things is impossible.
pub(super) fn count(value: &Value) -> Count {
    match value {
        Value::Null => Count::Unknown,
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => number.count(),
            // Some servers write whole numbers as floats; above 2^53 those no longer tell one from the next.
            (None, Some(number)) if (0.0..=EXACT).contains(&number) && number.fract() == 0.0 => {
                Count::Known(number as u64)
            }
            _ => Count::Impossible,
        },
        // Protocol buffers write numbers of 64 bits as texts.
        Value::String(text) => text.parse::<u64>().map_or(Count::Impossible, u64::count),
        _ => Count::Impossible,
    }
}

/// A text that is not empty.
pub(super) fn text(value: &Value) -> Option<&str> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= MAX_TEXT);
    Some(if text.len() <= MAX_TEXT {
        text
    } else {
        &text[..end.last().unwrap_or(0)]
    })
}

/// The items of a list; none of anything else.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether there is something in it: no `null`, and no empty text, list or object.
pub(super) fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether one of these members is filled.
pub(super) fn has_filled(object: &Value, members: &[&str]) -> bool {
    members.iter().any(|member| is_filled(&object[*member]))
}

/// Sets the tier that served an answer, with one word for the usual one.
pub(in crate::llm) fn tier(answer: LlmResponse, word: Option<&str>) -> LlmResponse {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None | Some("traffic_type_unspecified" | "unspecified") => answer,
        Some("standard" | "on_demand") => answer.tier("default"),
        Some("on_demand_flex") => answer.tier("flex"),
        Some("on_demand_priority") => answer.tier("priority"),
        // A way to ask, not a tier.
        Some("batch") => answer.batch(),
        Some(other) => answer.tier(other),
    }
}

/// The index of an item: its own, else its place.
pub(super) fn index(item: &Value, place: usize) -> u32 {
    let own = item["index"].as_u64().unwrap_or(place as u64);
    u32::try_from(own).unwrap_or(u32::MAX)
}
