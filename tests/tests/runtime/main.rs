//! One installed `Observability`: its start and its end, levels, samplers, redaction, limits and totals.

mod allocator;
#[cfg(target_os = "linux")]
mod clock_set;
mod deadlines;
mod fork;
mod install;
mod level;
mod litellm_prices;
mod llm;
mod memory;
mod metric_cells;
mod overflow;
mod panics;
mod redaction;
mod redaction_corpus;
mod sampling;
mod tail_sampling;
mod threads;
mod what_leaves;
