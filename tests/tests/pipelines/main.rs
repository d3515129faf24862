//! Annotated tasks and handlers.

mod alerts;
mod blocking;
mod effects;
mod handlers;
mod lints;
mod maps;
mod rules;
mod tasks;
mod timeouts;
