//! Lints about the user's code still fire, each once, at the user's token.
// case: 7, 25, 139, 140
#![deny(warnings, dead_code)]
use obs_runtime::traced;

#[traced]
fn never_called() -> Result<u8, String> {
    Ok(1)
}

#[traced]
fn never_called_unit() {}

#[traced]
async fn never_called_async(n: u8) -> u8 {
    n
}

#[traced]
fn unused(n: u8, mut text: String) -> Result<usize, String> {
    Ok(text.len())
}

#[traced]
async fn unused_async(n: u8, mut text: String) -> usize {
    let local = 1;
    text.len()
}

#[traced]
fn unreachable() -> Result<u8, String> {
    return Ok(1);
    let _ = 2;
}

#[traced]
async fn unreachable_async() -> u8 {
    panic!("always");
    1
}

#[traced]
#[must_use]
fn value() -> u8 {
    1
}

#[traced]
async fn future() {}

#[traced]
fn result() -> Result<(), String> {
    deprecated();
    Ok(())
}

#[traced]
#[deprecated]
fn deprecated() {}

#[traced]
#[allow(unused_variables, unused_must_use)]
fn allowed(n: u8) -> Result<(), String> {
    let local = 1;
    result();
    Ok(())
}

#[allow(unused_variables)]
mod allowed_around {
    #[obs_runtime::traced]
    #[warn(unused_variables)]
    pub fn asked_for(n: u8) -> Result<(), String> {
        Ok(())
    }
    #[obs_runtime::traced]
    pub async fn silent(n: u8) {}
}

fn main() {
    let _ = unused(1, String::new());
    let _ = unused_async(1, String::new());
    let _ = unreachable();
    let _ = unreachable_async();
    value();
    future();
    result();
    let _ = allowed(1);
    let _ = allowed_around::asked_for(1);
    let _ = allowed_around::silent(1);
}
