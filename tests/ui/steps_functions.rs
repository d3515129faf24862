//! What is no step says so.

use std::rc::Rc;

use obs_runtime::steps::step;

async fn no_result(number: u32) -> u32 {
    number
}

async fn two_parameters(a: u32, b: u32) -> Result<u32, String> {
    Ok(a + b)
}

fn not_async(number: u32) -> Result<u32, String> {
    Ok(number)
}

struct Silent;

async fn silent(_: u32) -> Result<u32, Silent> {
    Err(Silent)
}

async fn not_send(number: u32) -> Result<u32, String> {
    let held = Rc::new(number);
    std::future::ready(()).await;
    Ok(*held)
}

fn main() {
    let _ = step::<u32, _>("no result", no_result);
    let _ = step("two parameters", two_parameters);
    let _ = step("not async", not_async);
    let _ = step("silent", silent);
    let _ = step::<u32, _>("no function", Silent);
    let _ = step("not send", not_send);
}
