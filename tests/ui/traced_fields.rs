//! Fields that cannot be recorded as they are written.
use obs_runtime::traced;

#[traced(fields(password, auth_token = token, token_count = 3))]
fn secrets(password: &str, token: &str) {}

#[traced(fields(a = 1, b, a = 2, "" = 3, "quoted", rows = tracing::field::Empty))]
fn keys(b: u8) {}

#[traced(fields(allow token, redact rows = tracing::field::Empty))]
fn later() {}

#[traced(fields(uesr.id, tokem))]
fn misspelled(user: &str, token: &str) {}

#[traced(fields("quoted"))]
fn no_value() {}

fn main() {}
// case: 110, 122
