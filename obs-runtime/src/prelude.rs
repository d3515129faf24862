//! What most programs name, for one `use`.
//!
//! It holds no module that is named like a crate, so a glob import hides nothing.
//!
//! ```
//! use obs_runtime::prelude::*;
//!
//! #[traced(fields(order))]
//! fn ship(order: u32) {
//!     counter!("orders").inc();
//!     current::set_attribute("carrier", "post");
//! }
//!
//! fn main() -> Result<(), Error> {
//!     let _obs = Observability::builder().service_name("shop").install()?;
//!     ship(7);
//!     Ok(())
//! }
//! ```

#[doc(no_inline)]
pub use crate::{
    Error, Instrument, Label, Level, Observability, Span, SpanContext, SpanKind, counter, current,
    gauge, histogram, span, traced,
};
#[cfg(feature = "llm")]
#[doc(no_inline)]
pub use crate::{
    agent,
    llm::{LlmCall, LlmResponse, Usage},
    llm_call, tool_call, vector_op, workflow,
};
#[cfg(feature = "pipeline")]
#[doc(no_inline)]
pub use crate::{
    on_cancel, on_complete, on_failure, on_late,
    pipeline::{Pipeline, RunResult, TaskContext},
    pipeline_task,
};
