//! `stream` where there is none, and where it cannot be followed.
// case: 67, 122, 129
use futures_util::stream::{self, Stream};
use obs_runtime::traced;

struct Plain;

#[traced(stream)]
fn inert() -> Vec<u8> {
    Vec::new()
}

#[traced(stream)]
async fn no_stream() -> Result<Plain, u8> {
    Ok(Plain)
}

#[traced(stream = 3)]
fn not_a_switch() -> impl Stream<Item = u8> {
    stream::empty()
}

#[traced(err(Display))]
async fn no_text() -> Result<impl Stream<Item = u8>, Plain> {
    Ok(stream::empty())
}

fn main() {
    inert();
    let _ = (no_stream(), not_a_switch(), no_text());
}
