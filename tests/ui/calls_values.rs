//! `span!` with values that are no fields, and a name that is no text.

struct Secret;

fn main() {
    let secret = Secret;
    let _ = obs_runtime::span!("x", secret = secret);
    let _ = obs_runtime::span!("x", secret = %secret);
    let _ = obs_runtime::span!(secret);
}
