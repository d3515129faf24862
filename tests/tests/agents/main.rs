//! Agents, tools and what they use.

mod crowd;
mod frames;
mod house;
mod stops;
mod stops_beside;
