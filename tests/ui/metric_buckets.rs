//! Bounds of buckets that are constant are checked by the compiler.
use obs_runtime::buckets;

const HIGHEST: f64 = 5.0;

fn main() {
    let _ = buckets![0.5, 10.0, HIGHEST];
    let _ = buckets![0.5, f64::INFINITY];
}
