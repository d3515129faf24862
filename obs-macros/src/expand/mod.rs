//! From models to tokens. Nothing here can fail or report: `valid` has judged already.
//!
//! All generated names have mixed-site hygiene and all generated braces the edition of this crate,
//! so tail temporaries of ours end before our locals whatever the caller's edition is.
//!
//! Each macro has one file here. [`function`] is what all macros on functions share: it chooses
//! between [`sync`] and [`future`], which put the pieces of the other files together.

mod argument;
mod assemble;
mod conventions;
mod duration;
mod future;
mod labels;
mod lasting;
mod name;
mod pieces;
mod prelude;
mod rebind;
mod site;
mod stop;
mod sync;
mod types;
mod value;

pub(crate) mod function;
pub(crate) mod handler;
pub(crate) mod label_derive;
pub(crate) mod main_fn;
pub(crate) mod metric;
pub(crate) mod pipeline_task;
pub(crate) mod span;
pub(crate) mod traced;
