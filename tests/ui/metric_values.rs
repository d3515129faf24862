//! What cannot be the value of a label.
use obs_runtime::counter;

fn count(user: String, code: u16) {
    counter!("orders", user = user).inc();
    counter!("orders", code).inc();
}

fn main() {
    count(String::new(), 1);
}
