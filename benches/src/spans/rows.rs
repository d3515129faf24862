//! The rows, and the work that every variant does in them.

use obs_benches::harness::{Row, Variant};

use crate::{bare, obs_rows};

/// The body of every measured function: a few dependent instructions.
#[inline(always)]
pub fn body(x: u64) -> u64 {
    (x ^ 0x9E37_79B9)
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
        .rotate_left(17)
}

/// The bursts of one implementation, one for each row; `None` where it has no such row.
#[derive(Clone, Copy, Debug)]
pub struct Bursts {
    /// A recorded sync call under a root span.
    pub sync: Option<fn(u64) -> u64>,
    /// The same with two fields: a `u64` and a short `&str`, both arguments.
    pub sync_fields: Option<fn(u64) -> u64>,
    /// A recorded async call that is ready at the first poll.
    pub async_1: Option<fn(u64) -> u64>,
    /// The same with two fields.
    pub async_fields: Option<fn(u64) -> u64>,
    /// A recorded async call that is ready at the fourth poll.
    pub async_4: Option<fn(u64) -> u64>,
    /// Each call is a trace of its own.
    pub root: Option<fn(u64) -> u64>,
    /// A sync call under a root that is not sampled.
    pub unsampled_sync: Option<fn(u64) -> u64>,
    /// An async call under a root that is not sampled.
    pub unsampled_async: Option<fn(u64) -> u64>,
}

/// One implementation.
#[derive(Clone, Copy, Debug)]
pub struct Implementation {
    /// Its name in the table.
    pub name: &'static str,
    /// Its bursts.
    pub bursts: Bursts,
    /// Waits until the background has taken what the bursts left.
    pub drain: fn(),
    /// Spans that have reached its exporter so far, if it exports.
    pub exported: Option<fn() -> u64>,
}

/// Every implementation, the bare function first.
fn implementations() -> Vec<Implementation> {
    let mut all = vec![bare::implementation()];
    #[cfg(feature = "peers")]
    all.push(crate::fastrace_rows::implementation());
    all.extend(obs_rows::implementations());
    #[cfg(feature = "peers-heavy")]
    all.push(crate::opentelemetry_rows::implementation());
    #[cfg(feature = "peers-heavy")]
    all.extend(crate::tracing_rows::implementations());
    all
}

/// Name, title, and which burst of an implementation belongs to the row.
type Selector = fn(&Bursts) -> Option<fn(u64) -> u64>;
const ROWS: [(&str, &str, Selector); 8] = [
    ("sync", "sync", |b| b.sync),
    ("sync-fields", "sync, 2 fields", |b| b.sync_fields),
    ("async-1", "async, 1 poll", |b| b.async_1),
    ("async-fields", "async, 1 poll, 2 fields", |b| {
        b.async_fields
    }),
    ("async-4", "async, 4 polls", |b| b.async_4),
    ("root", "root alone", |b| b.root),
    ("unsampled-sync", "not sampled, sync", |b| b.unsampled_sync),
    ("unsampled-async", "not sampled, async", |b| {
        b.unsampled_async
    }),
];

/// All rows.
pub fn all() -> Vec<Row> {
    let implementations = implementations();
    ROWS.iter()
        .map(|(name, title, select)| Row {
            name,
            title,
            variants: implementations
                .iter()
                .filter_map(|i| {
                    select(&i.bursts).map(|burst| Variant {
                        name: i.name,
                        burst,
                        drain: i.drain,
                    })
                })
                .collect(),
        })
        .collect()
}

/// Runs one sync burst of every exporting implementation and demands that each call's span and the
/// root arrived: otherwise the times say nothing.
pub fn check_counts() -> Result<String, String> {
    let mut text = String::from("spans exported for a burst of 1000 calls and its root:");
    for i in implementations() {
        let (Some(exported), Some(burst)) = (i.exported, i.bursts.sync) else {
            continue;
        };
        (i.drain)();
        let before = exported();
        std::hint::black_box(burst(1000));
        (i.drain)();
        let seen = exported() - before;
        if seen != 1001 {
            return Err(format!(
                "{}: {seen} of 1001 spans reached the exporter",
                i.name
            ));
        }
        text.push_str(&format!(" {} {seen}", i.name));
    }
    Ok(text)
}

/// A burst that calls a sync function with the number of the call.
#[macro_export]
macro_rules! sync_burst {
    ($n:expr, |$i:ident| $call:expr) => {{
        let mut sum = 0u64;
        for $i in 0..$n {
            let $i = ::std::hint::black_box($i);
            sum = sum.wrapping_add($call);
        }
        sum
    }};
}

/// A burst that runs a future for the number of the call to its end.
#[macro_export]
macro_rules! async_burst {
    ($n:expr, |$i:ident| $call:expr) => {{
        let mut sum = 0u64;
        for $i in 0..$n {
            let $i = ::std::hint::black_box($i);
            sum = sum.wrapping_add(::obs_benches::executor::block_on($call));
        }
        sum
    }};
}
