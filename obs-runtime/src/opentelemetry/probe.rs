//! Whether the global provider and propagator are still ours: the last one that is set wins, silently.

use core::cell::Cell;

use ::opentelemetry::trace::TracerProvider as _;
use ::opentelemetry::{InstrumentationScope, global};

/// The library whose tracer is asked for to see who answers.
const LIBRARY: &str = "obs.probe";

thread_local! {
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// A provider of ours was asked for a tracer.
pub(super) fn answer(scope: &InstrumentationScope) {
    if scope.name() == LIBRARY {
        ANSWERED.set(true);
    }
}

/// What was replaced, in a sentence each.
pub(crate) fn problems() -> Vec<String> {
    let mut problems = Vec::new();
    ANSWERED.set(false);
    let _ = global::tracer_provider().tracer(LIBRARY);
    if !ANSWERED.get() {
        problems.push(
            "the global tracer provider of OpenTelemetry was replaced: its spans are not in the traces of \
             obs; wrap the other one in `obs_runtime::opentelemetry::WrappedTracerProvider`"
                .to_owned(),
        );
    }
    let propagator = global::get_text_map_propagator(|p| format!("{p:?}"));
    if !propagator.starts_with("Propagator { inner: ") {
        problems.push(
            "the global propagator of OpenTelemetry was replaced: requests do not name the spans of obs; \
             wrap the other one in `obs_runtime::opentelemetry::Propagator`"
                .to_owned(),
        );
    }
    problems
}
