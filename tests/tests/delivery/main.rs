//! What was recorded arrives, or is accounted for, whatever happens to the program and the receiver.

mod alerts;
mod ends;
mod feedback;
mod fork;
mod health;
mod logs;
mod program;
mod spool;
mod stress;
