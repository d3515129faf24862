//! The check whether OpenTelemetry's global provider and propagator are still those of obs.
//!
//! Another library can replace them at any time: the last one that is set wins, silently. The
//! health report calls [`problems`], which asks the global objects for something that only ours
//! answer.

use core::cell::Cell;

use ::opentelemetry::trace::TracerProvider as _;
use ::opentelemetry::{InstrumentationScope, global};

/// The name of the library whose tracer is asked for to see which provider answers.
const LIBRARY: &str = "obs.probe";

thread_local! {
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that a provider of ours was asked for a tracer.
pub(super) fn answer(scope: &InstrumentationScope) {
    if scope.name() == LIBRARY {
        ANSWERED.set(true);
    }
}

/// Returns one sentence for each global object that was replaced.
pub(crate) fn problems() -> Vec<String> {
    let mut problems = Vec::new();
    ANSWERED.set(false);
    let _ = global::tracer_provider().tracer(LIBRARY);
    if !ANSWERED.get() {
        problems.push(
            "the global tracer provider of OpenTelemetry was replaced: its spans are not in the traces of \
             obs; wrap the other one in `obs_runtime::interop::opentelemetry::WrappedTracerProvider`"
                .to_owned(),
        );
    }
    let propagator = global::get_text_map_propagator(|p| format!("{p:?}"));
    if !propagator.starts_with("Propagator { inner: ") {
        problems.push(
            "the global propagator of OpenTelemetry was replaced: requests do not name the spans of obs; \
             wrap the other one in `obs_runtime::interop::opentelemetry::Propagator`"
                .to_owned(),
        );
    }
    problems
}
