//! Agents, tools and what they use.

mod crowd;
mod frames;
mod stops;
