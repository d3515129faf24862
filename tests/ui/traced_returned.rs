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

#[traced(ret(Display))]
async fn later() -> Plain {
    Plain
}

#[traced(err(Display))]
async fn later_error() -> Result<(), Plain> {
    Ok(())
}

struct NoResult;

#[traced(err(Debug))]
async fn no_result() -> NoResult {
    NoResult
}

#[traced(ret)]
fn future() -> impl Future<Output = Result<Plain, u8>> {
    async { Ok(Plain) }
}

fn main() {
    value();
    optional();
    let _ = error();
    let _ = (later(), later_error(), no_result(), future());
}
