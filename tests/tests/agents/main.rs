//! Agents, tools and what they use.

mod frames;
mod stops;
