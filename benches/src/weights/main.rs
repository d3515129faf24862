//! What an annotation adds without running: bytes of a future, bytes of stack for each level of a recursion.
//!
//! ```text
//! weights        the tables, as markdown; debug and release builds differ in the second
//! ```

mod futures;
mod stack;

fn main() {
    futures::print();
    println!();
    stack::print();
}
