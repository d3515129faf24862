//! Whole programs, each in a process of its own.

mod console;
mod first_minute;
mod main_fn;
mod one_trace;
mod propagation;
mod propagation_b3;
