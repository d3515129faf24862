//! Methods of the builder and of the handle whose feature is off.

use obs_runtime::Observability;

fn main() {
    let obs = Observability::builder()
        .prometheus(([127, 0, 0, 1], 9464))
        .statsd("127.0.0.1:8125")
        .install();
    let _ = obs.map(|obs| obs.prometheus_addr());
}
