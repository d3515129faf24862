//! A constant name is checked too.
use obs_runtime::counter;

const SPACE: &str = "my orders";

fn main() {
    counter!(SPACE).inc();
}
