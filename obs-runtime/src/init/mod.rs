//! `Observability`: switching obs on, asking it how it is, and switching it off.
//!
//! [`Builder`] holds what the program says; `Config::resolve` decides between it, the environment and the
//! defaults; `start` starts that. Exporters and domains are `Component`s: this module names none of them.

mod account;
mod builder;
pub(crate) mod component;
mod config;
mod env;
pub(crate) mod exit;
mod handle;
mod lifecycle;
mod limits;
mod observability;
mod resource;
pub(crate) mod selection;
mod start;
pub mod stats;

pub use builder::Builder;
pub use handle::Handle;
#[cfg(feature = "pipeline")]
pub(crate) use lifecycle::{DEADLINE, SILENT};
pub use observability::Observability;
