//! Items that cannot be traced: one error each, and the item stays.
use obs_runtime::traced;

#[traced]
struct NoFunction;

#[traced]
const fn constant() -> u8 {
    1
}

trait Declares {
    #[traced]
    fn no_body(&self);
}

#[traced(name = "all of them")]
impl NoFunction {
    fn method(&self) {}
}

#[traced]
mod module {}

#[traced(err)]
fn no_result() -> u8 {
    0
}

#[traced(ret)]
fn never() -> ! {
    loop {}
}

const VALUE: u8 = constant();

fn main() {
    NoFunction.method();
    no_result();
    let _ = VALUE;
    if false {
        never();
    }
}
// case: 40, 124, 125
