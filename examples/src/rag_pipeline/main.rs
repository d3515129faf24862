//! Answers a question over a folder of text.

mod chunks;
mod client;
mod documents;
mod error;
mod evaluation;
mod index;
mod options;
mod provider;
#[cfg(test)]
mod testing;
mod text;

fn main() {}
