//! The crate `measured`: vectors whose label values are texts of a list that is known beforehand.

use std::sync::LazyLock;

use lasso::{Rodeo, RodeoReader, Spur};
use measured::LabelGroup;
use measured::metric::histogram::Thresholds;
use measured::{CounterVec, HistogramVec};

use crate::{BOUNDS, Bursts, KINDS, ROUTES, labels, loop_of, value};

#[derive(Clone, Copy, LabelGroup)]
#[label(set = CallSet)]
struct Call<'a> {
    #[label(fixed_with = RodeoReader<Spur>)]
    route: &'a str,
    #[label(fixed_with = RodeoReader<Spur>)]
    kind: &'a str,
}

fn set() -> CallSet {
    CallSet {
        route: Rodeo::from_iter(ROUTES).into_reader(),
        kind: Rodeo::from_iter(KINDS).into_reader(),
    }
}

fn call(i: u64) -> Call<'static> {
    let [route, kind] = labels(i);
    Call { route, kind }
}

static COUNTER: LazyLock<CounterVec<CallSet>> = LazyLock::new(|| CounterVec::with_label_set(set()));
static HISTOGRAM: LazyLock<HistogramVec<CallSet, 11>> = LazyLock::new(|| {
    HistogramVec::with_label_set_and_metadata(set(), Thresholds::with_buckets(BOUNDS))
});

const ONE: Call<'static> = Call {
    route: ROUTES[0],
    kind: KINDS[0],
};

pub const BURSTS: Bursts = Bursts {
    name: "measured",
    drain: || {},
    counter: |n| {
        let id = COUNTER.with_labels(ONE);
        loop_of(n, |i| {
            COUNTER.get_metric(id).inc();
            i
        })
    },
    histogram: |n| {
        let id = HISTOGRAM.with_labels(ONE);
        loop_of(n, |i| {
            HISTOGRAM.get_metric(id).observe(value(i));
            i
        })
    },
    counter_labels: |n| {
        loop_of(n, |i| {
            COUNTER.inc(call(i));
            i
        })
    },
    histogram_labels: |n| {
        loop_of(n, |i| {
            HISTOGRAM.observe(call(i), value(i));
            i
        })
    },
};
