//! The hand-over of records from threads to the drain, with loom's atomics in the place of the standard library's.

#![cfg(test)]

mod buffer;
mod memory;
mod models;
