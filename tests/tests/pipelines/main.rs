//! Annotated tasks and handlers.

mod lints;
mod tasks;
