//! Steps that do not fit together are errors where they are put together.

use obs_runtime::steps::{Flow, step};

async fn parse(text: String) -> Result<u32, String> {
    text.parse().map_err(|_| text)
}

async fn show(number: u64) -> Result<String, String> {
    Ok(number.to_string())
}

async fn store(_: u32) -> Result<(), std::io::Error> {
    Ok(())
}

struct NotClone;

async fn one(_: NotClone) -> Result<u32, String> {
    Ok(1)
}

async fn two(_: NotClone) -> Result<u32, String> {
    Ok(2)
}

fn main() {
    // Another type than the one that comes.
    let _ = step("parse", parse) >> step("show", show);
    // Another error.
    let _ = step("parse", parse) >> step("store", store);
    // Branches take the same input, which is cloned.
    let both = step("one", one) | step("two", two);
    let _ = both.call(NotClone);
    // Branches of other inputs.
    let _ = step("parse", parse) | step("show", show);
    // The type of a whole.
    let _: Flow<String, u64, String> = step("parse", parse).boxed();
}
