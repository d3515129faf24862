//! Attributes of events that are none.
use obs_runtime::{current, span};

fn main() {
    current::add_event_with("moved", ("to", "shelf 4"));
    span!("order").add_event_with("placed", "shelf 4");
}
