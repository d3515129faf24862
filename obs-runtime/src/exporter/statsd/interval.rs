//! What one interval of a histogram says: its quantiles, and values that stand for its buckets.

use crate::metrics::{HistogramPoint, timer};

/// Most values of [`ranks`].
const MOST_RANKS: u64 = 100;

/// Estimates the extremes of the interval, as far as its sum tells them: a delta does not know them.
pub(super) fn narrow(point: &mut HistogramPoint) {
    let Some((above, others)) = point.counts.split_last() else {
        return;
    };
    if point.count == 0 || !point.sum.is_finite() {
        return;
    }
    let mean = point.sum / point.count as f64;
    match point.bounds.last() {
        Some(_) if point.count == 1 => (point.min, point.max) = (Some(mean), Some(mean)),
        None => {
            point.min = point.min.or(Some(mean));
            point.max = point.max.or(Some(mean));
        }
        // The others leave a mean for what is above the last bound; it spreads as far above the mean
        // as below.
        Some(last) if *above > 0 && point.max.is_none() => {
            let middle = |bucket| {
                let (low, high) = point.edges(bucket);
                f64::midpoint(low, high)
            };
            let counted = others.iter().enumerate().filter(|(_, n)| **n > 0);
            let others: f64 = counted.map(|(at, n)| middle(at) * *n as f64).sum();
            let mean = (point.sum - others) / *above as f64;
            point.max = Some((2.0 * mean - last).max(*last));
        }
        Some(_) => {}
    }
}

/// Returns a value for each bucket, with the number of values that it stands for. Each lies at the same part of its
/// bucket, the one that makes their sum that of the interval.
pub(super) fn representatives(point: &HistogramPoint) -> impl Iterator<Item = (f64, u64)> {
    let counted = point.counts.iter().enumerate().filter(|(_, n)| **n > 0);
    let buckets: Vec<_> = counted.map(|(at, n)| (point.edges(at), *n)).collect();
    let sum = |value: fn(f64, f64) -> f64| -> f64 {
        let all = buckets.iter();
        all.map(|((low, high), n)| value(*low, *high) * *n as f64)
            .sum()
    };
    let width = sum(|low, high| high - low);
    let part = (point.sum - sum(|low, _| low)) / width;
    // Nothing has a width, or the sum is not finite.
    let part = if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        0.5
    };
    buckets
        .into_iter()
        .map(move |((low, high), n)| (low + (high - low) * part, n))
}

/// Returns values at equal distances of rank, with the number of values that each stands for: percentiles are right
/// even where sample rates are ignored.
pub(super) fn ranks(point: &HistogramPoint) -> impl Iterator<Item = (f64, u64)> + Clone {
    let count = point.count;
    let weight = count.div_ceil(MOST_RANKS).max(1);
    (0..count.div_ceil(weight)).filter_map(move |at| {
        let start = at * weight;
        let end = start.saturating_add(weight).min(count);
        let middle = f64::midpoint(start as f64, end as f64) / count as f64;
        Some((point.quantile(middle)?, end - start))
    })
}

/// Returns what a number of the unit is in milliseconds, if it is a time.
pub(super) fn milliseconds(unit: &str) -> f64 {
    timer::nanos(unit).map_or(1.0, |nanos| nanos / 1e6)
}

/// Returns the sample rate of a value that stands for `n`. Receivers cut off the fraction of its reciprocal, so it must
/// not come out below `n`.
pub(super) fn sample_rate(n: u64) -> f64 {
    let mut rate = 1.0 / n as f64;
    while ((1.0 / rate) as u64) < n {
        rate = rate.next_down();
    }
    rate
}

/// Returns the last part of a quantile's name: `p50`, `p999`, `min`, `max`.
pub(super) fn quantile_name(q: f64) -> String {
    if q <= 0.0 {
        return "min".to_owned();
    }
    let text = q.to_string();
    match text.strip_prefix("0.") {
        Some(digits) => format!("p{digits:0<2}"),
        None => "max".to_owned(),
    }
}

#[cfg(test)]
#[path = "interval_tests.rs"]
mod tests;
