//! Attributes of measurements as labels.

use core::cell::Cell;
use core::fmt::Write as _;

use ::opentelemetry::{KeyValue, Value};

use crate::metrics::any_labels::END;
use crate::metrics::snapshot::Labels;

#[derive(Default)]
struct Buffer {
    text: String,
    order: Vec<usize>,
}

thread_local! {
    static BUFFER: Cell<Buffer> = const {
        Cell::new(Buffer {
            text: String::new(),
            order: Vec::new(),
        })
    };
}

/// More is not kept for the next measurement.
const KEPT_BYTES: usize = 4096;

/// Hands over the attributes as one text: the same for the same set, in whatever order.
pub(super) fn with_text<R>(attributes: &[KeyValue], then: impl FnOnce(&str) -> R) -> R {
    // Taken out meanwhile: what `then` does may measure too. While the thread ends there is none.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    write(&mut buffer, attributes);
    let done = then(&buffer.text);
    if buffer.text.capacity() <= KEPT_BYTES {
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    done
}

fn write(buffer: &mut Buffer, attributes: &[KeyValue]) {
    let Buffer { text, order } = buffer;
    text.clear();
    for at in sorted(order, attributes) {
        push(text, attributes[at].key.as_str());
        text.push(END);
        match &attributes[at].value {
            Value::String(value) => push(text, value.as_str()),
            Value::Bool(value) => push(text, if *value { "true" } else { "false" }),
            Value::I64(value) => drop(write!(text, "{value}")),
            Value::F64(value) => drop(write!(text, "{value}")),
            other => push(text, &other.as_str()),
        }
        text.push(END);
    }
}

/// By key, each once: the last value of a key wins, as in spans.
fn sorted<'a>(
    order: &'a mut Vec<usize>,
    attributes: &'a [KeyValue],
) -> impl Iterator<Item = usize> + 'a {
    order.clear();
    order.extend(0..attributes.len());
    let key = |at: usize| attributes[at].key.as_str();
    // Stable: of equal keys the last one stays last.
    order.sort_by(|a, b| key(*a).cmp(key(*b)));
    let order = &*order;
    (0..order.len()).filter_map(move |i| {
        let last = order
            .get(i + 1)
            .is_none_or(|next| key(*next) != key(order[i]));
        (last && !key(order[i]).is_empty()).then_some(order[i])
    })
}

/// The end of a text inside of a text would be another label.
fn push(text: &mut String, part: &str) {
    if part.contains(END) {
        text.push_str(&part.replace(END, "\u{fffd}"));
    } else {
        text.push_str(part);
    }
}

/// The labels of an observed value.
pub(super) fn labels(attributes: &[KeyValue]) -> Labels {
    with_text(attributes, |text| {
        crate::metrics::any_labels::labels(text)
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    })
}
