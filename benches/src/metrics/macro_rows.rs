//! obs: `counter!` and `histogram!` where the call is. "Kept" are labels that are constants there, whose handle the
//! call site remembers.

use std::hint::black_box;
use std::sync::LazyLock;

use obs_runtime::{Label, Observability, counter, histogram};

use crate::{BOUNDS, Bursts, labels, loop_of, places, value};

static OBS: LazyLock<Observability> = LazyLock::new(|| {
    let builder = Observability::builder().console(false);
    let obs = builder.detect_resource(false).install();
    let obs = obs.expect("the only one");
    let histogram = obs.metrics().histogram("seconds").labels(["route", "kind"]);
    histogram
        .buckets(BOUNDS)
        .build()
        .expect("a valid definition");
    obs
});

pub const BURSTS: Bursts = Bursts {
    name: "obs-macro",
    drain: || {},
    counter: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            counter!("calls", route = "/", kind = "get").inc();
            i
        })
    },
    histogram: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            histogram!("seconds", route = "/", kind = "get").observe(value(i));
            i
        })
    },
    counter_labels: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            let [route, kind] = labels(i);
            counter!("calls", route, kind).inc();
            i
        })
    },
    histogram_labels: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            let [route, kind] = labels(i);
            histogram!("seconds", route, kind).observe(value(i));
            i
        })
    },
};

#[derive(Clone, Copy, Label)]
enum Route {
    #[label(name = "/")]
    Home,
    #[label(name = "/cart")]
    Cart,
    #[label(name = "/checkout")]
    Checkout,
    #[label(name = "/items")]
    Items,
    #[label(name = "/login")]
    Login,
    #[label(name = "/search")]
    Search,
}

#[derive(Clone, Copy, Label)]
enum Kind {
    Get,
    Head,
    Post,
}

fn enums(i: u64) -> (Route, Kind) {
    use Route::{Cart, Checkout, Home, Items, Login, Search};
    let [route, kind] = places(i);
    (
        black_box([Home, Cart, Checkout, Items, Login, Search][route]),
        black_box([Kind::Get, Kind::Head, Kind::Post][kind]),
    )
}

/// The labels by call are enums.
pub const ENUMS: Bursts = Bursts {
    name: "obs-macro-enum",
    counter_labels: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            let (route, kind) = enums(i);
            counter!("calls", route, kind).inc();
            i
        })
    },
    histogram_labels: |n| {
        LazyLock::force(&OBS);
        loop_of(n, |i| {
            let (route, kind) = enums(i);
            histogram!("seconds", route, kind).observe(value(i));
            i
        })
    },
    ..BURSTS
};
