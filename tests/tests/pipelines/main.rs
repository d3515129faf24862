//! Annotated tasks and handlers.

mod alerts;
mod blocking;
mod handlers;
mod lints;
mod maps;
mod rules;
mod tasks;
mod timeouts;
