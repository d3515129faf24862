//! Spans of functions, futures, streams and calls, from their begin to their end.
//!
//! Apart from the other tests of the macros for Miri (`scripts/miri`): a capture collects the metrics of every
//! function of the program.

mod call_streams;
mod ended_streams;
mod held_streams;
mod paced_streams;
mod paid_calls;
mod refused_streams;
mod stalled_calls;
mod stalled_streams;
mod streams;
mod traced;
