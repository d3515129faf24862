//! The attribute macros of obs; use them through `obs_runtime`.
