//! Annotated tasks and handlers.

mod alerts;
mod blocking;
mod caches;
mod effects;
mod handlers;
mod lazy;
mod lints;
mod maps;
mod rules;
mod spent;
mod tasks;
mod timeouts;
