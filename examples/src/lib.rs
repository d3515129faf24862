//! What the examples run on, so that they need no account and no server.
//!
//! [`provider`] is a model endpoint on a loopback port that speaks OpenAI's protocol; [`text`] is
//! the little language processing that it shares with the programs that prepare its prompts.

pub mod provider;
pub mod text;
