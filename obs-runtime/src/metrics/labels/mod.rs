//! The labels of metrics: what a label's value may be, the labels of one series, and the label
//! names of one metric.

mod label;
pub(super) mod names;
mod set;

pub use label::Label;
pub use set::Labels;
pub(crate) use set::Names;
