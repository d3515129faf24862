//! The value that keeps a future on its thread is named, with its line.
use std::rc::Rc;

use obs_runtime::traced;

#[traced]
async fn not_send() {
    let rc = Rc::new(1);
    std::future::ready(()).await;
    drop(rc);
}

fn is_send(_: impl Send) {}

fn main() {
    is_send(not_send());
}
// case: 81
