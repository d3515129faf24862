//! The latest decisions, for spans that end after their trace was decided.

use std::collections::{HashMap, VecDeque};

use crate::trace::TraceId;

/// How many decisions are remembered: they take about 1 MiB.
pub(super) const MOST: usize = 16_384;

#[derive(Default)]
pub(super) struct Decided {
    kept: HashMap<TraceId, bool>,
    order: VecDeque<TraceId>,
}

impl Decided {
    pub(super) fn get(&self, trace: TraceId) -> Option<bool> {
        self.kept.get(&trace).copied()
    }

    pub(super) fn set(&mut self, trace: TraceId, kept: bool) {
        if self.kept.insert(trace, kept).is_some() {
            return;
        }
        self.order.push_back(trace);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }
}
