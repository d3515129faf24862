//! The macro finds the series; something must be done with it.
#![deny(unused_must_use)]
use obs_runtime::counter;

fn main() {
    counter!("orders");
}
