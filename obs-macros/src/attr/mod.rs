//! From syntax to arguments: what users write in an attribute or between the parentheses of a
//! macro, as values with names.
//!
//! [`table`] says which arguments each macro takes, [`list`] parses them, and each other file
//! gives the arguments of one macro, or one kind of value, a type. What is reported here can be
//! told from one argument alone. What depends on a second argument, on the function, or on the
//! meaning of a word is a rule, and is in `valid`.

pub(crate) mod agents;
pub(crate) mod cache;
pub(crate) mod case;
pub(crate) mod conventions;
pub(crate) mod duration;
pub(crate) mod expr;
pub(crate) mod fields;
pub(crate) mod handler;
pub(crate) mod label;
pub(crate) mod label_derive;
pub(crate) mod level;
pub(crate) mod list;
pub(crate) mod main_fn;
pub(crate) mod metric;
pub(crate) mod nearest;
pub(crate) mod parsed;
pub(crate) mod pipeline_task;
pub(crate) mod shared;
pub(crate) mod span;
pub(crate) mod table;
pub(crate) mod traced;
