//! Arguments that look at a value whose type does not have what they need.
// case: 114, 122
use obs_runtime::traced;

struct Plain;

#[traced(ret)]
fn value() -> Plain {
    Plain
}

#[traced(ret(Display))]
fn optional() -> Option<Plain> {
    Some(Plain)
}

#[traced(err(Debug))]
fn error() -> Result<(), Plain> {
    Ok(())
}

fn main() {
    value();
    optional();
    let _ = error();
}
