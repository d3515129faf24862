//! Answers a question over a folder of text.
fn main() {}
