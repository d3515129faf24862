//! Calls of sinks within a pass. A panic of one of them costs what that sink cannot vouch for any more;
//! the others, and the pass, go on.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use crate::guarded::guarded;
use crate::self_log;
use crate::self_obs::{DropReason, ExporterCounters};

/// Calls each sink. One that panics is to `abandon` what it has gathered.
#[inline]
pub(super) fn each_sink<S: ?Sized>(
    sinks: &mut [Box<S>],
    mut call: impl FnMut(&mut S),
    abandon: fn(&mut S),
) {
    let mut next = 0;
    while next < sinks.len() {
        let called = guarded(|| {
            while let Some(sink) = sinks.get_mut(next) {
                next += 1;
                call(sink);
            }
        });
        if called.is_none() {
            say_panicked();
            let panicked = sinks.get_mut(next - 1);
            guarded(|| panicked.map(|sink| abandon(sink)));
        }
    }
}

/// Counts an item as lost by every exporter, because it could not be handed to them.
#[cold]
pub(super) fn lose(counters: impl Iterator<Item = Arc<ExporterCounters>>, reason: DropReason) {
    for counters in counters {
        counters.taken.fetch_add(1, Ordering::Release);
        counters.dropped.add(reason, 1);
    }
}

/// Says that something panicked which a pass has called.
#[cold]
pub(super) fn say_panicked() {
    let text = format_args!(
        "something panicked while finished spans were read and handed on: what was lost is counted as `{}`. Please \
         report it with the panic's message",
        DropReason::ExporterFailed
    );
    // A pass may run on a thread of the program.
    self_log::warn_from_host("drain", "panic", text);
}
