//! Writes the fields of the functions of obs around a line, as formatters write those of spans.

use core::fmt::Write as _;

use super::fields::FieldsVisitor;
use crate::json;
use crate::trace::line_fields::LineFields;

/// Calls `show` with each function that has recorded something, the outermost first: its name, and its
/// fields in the form of `empty`.
fn each(
    functions: Option<&LineFields>,
    empty: fn() -> FieldsVisitor,
    mut show: impl FnMut(&str, &str),
) {
    let Some(functions) = functions else { return };
    functions.each(|name, said| {
        let mut fields = empty();
        for (key, value) in said {
            fields.attribute(key, value);
        }
        if !fields.fields.is_empty() {
            show(name, &fields.fields);
        }
    });
}

/// Returns ` load{id=7}` for each function, with the name between `before` and `after`.
pub(super) fn text(functions: Option<&LineFields>, before: &str, after: &str) -> String {
    let mut out = String::new();
    each(functions, FieldsVisitor::text, |name, fields| {
        // Writing to a string cannot fail.
        let _ = write!(out, " {before}{name}{after}{{{fields}}}");
    });
    out
}

/// Adds an object for each function to a list in JSON that is not closed.
pub(super) fn append_json(list: &mut String, functions: Option<&LineFields>) {
    each(functions, FieldsVisitor::json, |name, fields| {
        if list.ends_with('}') {
            list.push(',');
        }
        list.push_str("{\"name\":");
        json::append(list, &name);
        let _ = write!(list, ",\"fields\":{{{fields}}}}}");
    });
}
