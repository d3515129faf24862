//! Re-exports obs under a name of its own.

pub use obs_runtime as obs;
