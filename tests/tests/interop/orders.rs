//! Spans of several makers in every order: each level is made by another one, and is the child of the level around it.

use std::pin::Pin;

use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use tracing::{Instrument as _, Span, info_span};

use crate::shared::*;

/// The target whose spans go through tracing-opentelemetry; the one that axum- and tonic-tracing-opentelemetry use.
pub(crate) const THEIRS: &str = "otel::tracing";

/// A span of `tracing`; its name in the trace is the field `otel.name`.
pub(crate) fn made(name: &str) -> Span {
    info_span!("tracing", otel.name = name)
}

pub(crate) fn made_theirs(name: &str) -> Span {
    info_span!(target: THEIRS, "theirs", otel.name = name)
}

/// Each level is made by one of two, three or four; the digits of `order` say by whom.
pub(crate) fn nest(prefix: &str, makers: u32, order: u32, depth: u32) {
    if depth == 0 {
        return;
    }
    let name = format!("{prefix}{depth}");
    let rest = || nest(prefix, makers, order / makers, depth - 1);
    match order % makers {
        0 => ours(&name, rest),
        1 => otel(&name, rest),
        2 => made(&name).in_scope(rest),
        _ => made_theirs(&name).in_scope(rest),
    }
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) fn nest_async(prefix: String, makers: u32, order: u32, depth: u32) -> Boxed {
    Box::pin(async move {
        if depth == 0 {
            return;
        }
        let name = format!("{prefix}{depth}");
        let rest = async {
            tokio::task::yield_now().await;
            nest_async(prefix.clone(), makers, order / makers, depth - 1).await;
            tokio::task::yield_now().await;
        };
        match order % makers {
            0 => ours_async(&name, rest).await,
            1 => {
                let span = global::tracer("library").start(name);
                rest.with_context(Context::current_with_span(span)).await;
            }
            2 => rest.instrument(made(&name)).await,
            _ => rest.instrument(made_theirs(&name)).await,
        }
    })
}

/// Checks that the levels of a prefix are one below the other, and the outermost one begins a trace.
#[track_caller]
pub(crate) fn is_nested(prefix: &str, depth: u32) {
    let name = |at: u32| format!("{prefix}{at}");
    tree(&[(&name(depth), "-")]);
    for at in 1..depth {
        tree(&[(&name(at), &name(at + 1))]);
    }
}
