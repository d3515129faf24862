//! Annotated functions, calls and streams: what the macros make of them, and what is recorded.

// Only the whole crate can allow it.
#![allow(uncommon_codepoints, reason = "users write in every alphabet")]

mod arguments;
mod async_functions;
mod attributes;
mod bodies;
mod calls;
mod causes;
mod drops;
mod entered;
mod errors;
mod failures;
mod foreign;
mod from_tracing;
mod functions;
mod futures;
mod hostile;
mod hygiene;
mod lasting;
mod lints;
mod long_chains;
mod moments;
mod outcomes;
mod recorded_arguments;
mod returns;
mod shapes;
mod signatures;
mod temporaries;
mod traced_arguments;
mod tracing_forms;
