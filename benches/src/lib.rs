//! What the benchmarks share: the interleaved harness, the counting allocator, a minimal executor.

pub mod alloc;
pub mod executor;
pub mod harness;
pub mod installed;
pub mod table;
pub mod threads;
