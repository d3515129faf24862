//! Frames: what agents and workflows use, which sampling cannot lose.
//!
//! A frame is open on a thread while the body of its agent works (`trace/frame.rs` carries its number).
//! What ends inside is added to it and to all frames around it at once: so a total is right while the
//! agent runs, whether or not anything is sampled or exported, and whatever becomes of the tasks inside.

mod slab;
mod spent;
mod sums;

pub(crate) use slab::{Opened, add, decides};
pub use spent::Spent;
pub use sums::{Frame, frame};
