//! What is no parent, and what gives no links.
use std::collections::HashMap;

use obs_runtime::traced;

#[traced(parent = 5)]
fn number() {}

#[traced(parent = headers)]
async fn map(headers: &HashMap<String, String>) {}

#[traced(links = "caller")]
fn text() {}

fn main() {}
