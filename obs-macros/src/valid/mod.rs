//! The rules: what parsed arguments mean for this item, or why they cannot be used.
//!
//! Each macro has one file here. It takes what was parsed and gives a model in which nothing can
//! be wrong. The other files hold rules that several macros share. Every rule reports what it
//! finds and goes on, so that users see all errors at once; if there is any, nothing is expanded.

pub(crate) mod agents;
pub(crate) mod args;
pub(crate) mod arguments;
pub(crate) mod consumed;
pub(crate) mod conventions;
pub(crate) mod feature;
pub(crate) mod fields;
pub(crate) mod follow;
pub(crate) mod function;
pub(crate) mod handler;
pub(crate) mod item;
pub(crate) mod label_derive;
pub(crate) mod labels;
pub(crate) mod main_fn;
pub(crate) mod metric;
pub(crate) mod names;
pub(crate) mod pipeline_task;
pub(crate) mod returned_stream;
pub(crate) mod span;
pub(crate) mod traced;
