//! Annotated tasks and handlers.

mod blocking;
mod lints;
mod tasks;
mod timeouts;
