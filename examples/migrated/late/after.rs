//! Fields that get their value later: the import changes.
//!
//! What is recorded of a load, the same before and after:
//!
//! ```text
//! /load user="admin" rows=3
//! /load/user_of known=true
//! /load: info loaded
//! ```
//!
//! `load` goes on asking `tracing` for its span, so the program needs `interop::tracing::init()`, or
//! `around` around its own subscriber. `user_of` says it to obs and needs neither.

use obs_runtime::{current, traced as instrument};
use tracing::field::Empty;
use tracing::{Span, info};

#[instrument(skip_all, fields(user, rows = Empty, cache.hit = Empty))]
pub async fn load(token: &str) -> u32 {
    let user = user_of(token).await;
    Span::current().record("user", user);
    let rows = if user == "admin" { 3 } else { 1 };
    Span::current().record("rows", rows);
    info!("loaded");
    rows
}

#[instrument(skip_all, fields(known = Empty, never = Empty))]
async fn user_of(token: &str) -> &'static str {
    tokio::task::yield_now().await;
    current::record("known", token.starts_with("t-"));
    token.strip_prefix("t-").map_or("guest", |_| "admin")
}
