//! Labels of the function metrics that cannot be.
use obs_runtime::{llm_call, traced};

#[traced(labels(tenant = tenant, status = 404, name = Some("x")))]
fn open_values(tenant: String) {
    drop(tenant);
}

#[traced(labels(region))]
async fn borrowed(region: &str) {
    let _ = region;
}

#[traced(labels(function = "f", le = "1", a = true, a = false, "a-b" = "x", a.b = "y", "1" = "z"))]
fn wrong_keys() {}

#[traced(labels(a = "x"), metrics = false)]
fn no_metrics() {}

#[llm_call(provider = "openai", model = "gpt-4o", labels = "x")]
fn wrong_form() {}

#[traced(labels(%a, b.c))]
fn wrong_entries() {}

fn main() {}
