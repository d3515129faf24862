//! Errors of the borrow checker keep their line and wording, also in async functions.
// case: 119
use obs_runtime::traced;

#[traced]
async fn immutable(n: u8) -> u8 {
    n += 1;
    n
}

#[traced]
async fn moved(text: String) -> usize {
    drop(text);
    text.len()
}

#[traced]
fn moved_sync(text: String) -> Result<usize, String> {
    drop(text);
    Ok(text.len())
}

#[traced]
fn borrowed<'a>(a: &'a str, b: &str) -> Result<&'a str, String> {
    if a.is_empty() {
        return Ok(a);
    }
    Ok(b)
}

#[traced]
async fn borrowed_async<'a>(_a: &'a str, b: &str) -> &'a str {
    b
}

#[traced]
fn local() -> Result<&'static str, String> {
    let text = String::new();
    Ok(&text)
}

fn main() {}
