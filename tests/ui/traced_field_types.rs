//! Values that cannot be looked at as the arguments ask: reported where they ask.
use obs_runtime::traced;

struct Opaque;

#[traced(fields(opaque))]
fn not_captured(opaque: Opaque) {}

#[traced(fields(%opaque))]
async fn not_displayed(opaque: Opaque) {}

#[traced(fields(x = missing))]
fn not_there() {}

#[traced(ret)]
fn not_debug() -> Option<Opaque> {
    None
}

#[traced(err(Debug))]
fn error_not_debug() -> Result<(), Opaque> {
    Ok(())
}

type Number = u8;

#[traced(err(Display))]
fn no_result_by_type() -> Number {
    0
}

#[traced(error_if = |status| status.is_err())]
fn no_error() -> u8 {
    0
}

fn main() {}
// case: 23, 122
