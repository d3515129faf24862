//! Closures that are no steps say why.

use std::rc::Rc;

use obs_runtime::steps::step;

fn main() {
    let offset = String::from("7");
    let _ = step("owns", async move |text: String| Ok::<_, String>(text + &offset));
    let shared = Rc::new(7);
    let _ = step("shares", move |number: u32| {
        let sum = number + *shared;
        async move { Ok::<_, String>(sum) }
    });
}
