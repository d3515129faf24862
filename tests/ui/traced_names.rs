//! Names that are not there are reported where the user wrote them, once.
// case: 121, 122
use obs_runtime::traced;

#[traced]
fn lifetime(a: &'missing str) -> Result<usize, String> {
    Ok(a.len())
}

#[traced]
async fn lifetime_async(a: &'missing str) -> usize {
    a.len()
}

#[traced(fields(x = no_such.name()), name = missing(), links = absent)]
fn in_the_attribute() {}

#[traced(fields(n = missing_async(n)))]
async fn in_the_attribute_async(n: u8) {}

#[traced(level = Nowhere::DEBUG, fields(late = nowhere::field::Empty))]
fn levels_and_empty_fields() {}

fn main() {}
