//! Bounds of histograms that the compiler checks.

/// The bounds of a histogram's buckets, for
/// [`InstrumentBuilder::buckets`](crate::metrics::InstrumentBuilder::buckets): numbers that are
/// constant, checked while the program is compiled.
///
/// ```
/// use obs_runtime::{buckets, metrics::MetricsCollector};
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let size = collector.histogram("size").buckets(buckets![0.5, 1.0, 2.5]).build()?;
/// size.observe(0.75);
/// assert_eq!(size.snapshot().counts, [0, 1, 0, 0]);
/// # Ok(())
/// # }
/// ```
///
/// Bounds that are not ascending, or not finite, do not compile:
///
/// ```compile_fail,E0080
/// let bounds = obs_runtime::buckets![0.5, 2.5, 1.0];
/// ```
#[macro_export]
macro_rules! buckets {
    ($($bound:expr),+ $(,)?) => {{
        // Items, because `cargo check` does not look at `const { … }`.
        const __OBS_COUNT: usize = [$($bound),+].len();
        const __OBS_BOUNDS: [f64; __OBS_COUNT] = $crate::private::ascending([$($bound),+]);
        __OBS_BOUNDS
    }};
}

/// # Panics
/// When the bounds are not what [`buckets!`](crate::buckets) takes: at compile time, because it
/// calls this in a constant.
#[must_use = "these are the bounds"]
pub const fn ascending<const N: usize>(bounds: [f64; N]) -> [f64; N] {
    let mut i = 0;
    while i < N {
        assert!(
            bounds[i].is_finite(),
            "the bounds of buckets are finite numbers: the bucket up to +Inf is always there"
        );
        assert!(
            i == 0 || bounds[i - 1] < bounds[i],
            "the bounds of buckets are ascending: list each bound once, the smallest first"
        );
        i += 1;
    }
    bounds
}
