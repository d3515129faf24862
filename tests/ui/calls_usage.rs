//! Arguments that take a closure, with something that cannot be called.

use obs_runtime::{llm_call, traced};

#[llm_call(provider = "openai", model = "gpt-4o", usage = (1, 2))]
fn pair() -> String {
    String::new()
}

#[llm_call(provider = "openai", model = "gpt-4o", usage = (12))]
async fn number() -> Result<String, u8> {
    Ok(String::new())
}

#[traced(ok_if = true)]
fn always() -> u8 {
    1
}

#[traced(error_if = 0..3)]
fn range() -> u8 {
    1
}

fn main() {}
