//! A run's span and metrics.

/// Makes a call see the span that is entered here, on whatever thread it runs.
pub(crate) fn carry<R>(call: impl FnOnce() -> R) -> impl FnOnce() -> R {
    call
}
