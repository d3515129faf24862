//! Errors in the body are the compiler's own, at the user's tokens.
use obs_runtime::traced;

#[traced]
fn tail() -> u8 {
    "text"
}

#[traced]
fn result() -> Result<u8, String> {
    if true {
        return Ok("text");
    }
    Err(1)
}

#[traced]
async fn future() -> u8 {
    if true {
        return "early";
    }
    "text"
}

#[traced]
fn semicolon() -> Result<u8, ()> {
    Ok(1);
}

#[traced]
fn immutable(n: u8) -> Result<u8, ()> {
    n += 1;
    Ok(n)
}

#[traced]
async fn question() -> u8 {
    Err(1)?;
    1
}

#[traced]
fn unknown() -> Result<Missing, ()> {
    loop {}
}

fn main() {}
// case: 118-121
