//! Errors of macros in the body keep the spans of the user's delimiters.
// case: 123, 133
use obs_runtime::traced;

macro_rules! picky {
    ($n:ident) => {};
}

#[traced]
fn sync() -> Result<(), String> {
    picky!({ 123 });
    Ok(())
}

#[traced]
async fn future() {
    picky!([1, 2]);
}

fn main() {}
