//! `span!` with values that are no fields, and a name that is no text.

struct Order;

fn main() {
    let order = Order;
    let _ = obs_runtime::span!("x", order = order);
    let _ = obs_runtime::span!("x", order = %order);
    let _ = obs_runtime::span!(order);
}
