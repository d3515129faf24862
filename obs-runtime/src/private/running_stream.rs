//! Model calls and vector operations that give a stream: measured until it has ended.

use super::kind::{Abandon, Kind, same_outcome};
use super::probe::Probe;
use super::running::{IntoCount, Slot, VectorRun};
use crate::llm::call::End;
use crate::llm::generated::RunningLlmCall;
use crate::llm::{IntoUsage, LlmResponse};
use crate::trace::{Outcome, SpanError};

/// How a call ended whose stream did.
fn end(outcome: Outcome, error: Option<&SpanError>) -> End {
    match outcome {
        Outcome::Ok => End::Ok,
        Outcome::Cancelled => End::Cancelled,
        Outcome::Panicked => End::Failed("panic".into()),
        Outcome::Error => {
            End::Failed(error.map_or(crate::semconv::OTHER.into(), |error| error.kind.clone()))
        }
    }
}

/// A streamed answer, and what its chunks have said so far.
#[derive(Debug)]
pub struct LlmStreaming {
    running: RunningLlmCall,
    response: LlmResponse,
}

/// Begins a streamed call.
pub fn llm_streaming(running: RunningLlmCall) -> LlmStreaming {
    LlmStreaming {
        running,
        response: LlmResponse::default(),
    }
}

/// The kind of the items of `#[llm_call(stream)]`.
#[derive(Debug)]
pub struct LlmItemsKind<K, C> {
    kind: K,
    slot: Slot<LlmStreaming>,
    usage: C,
}

/// Hands each `Ok` item to `usage`; a later value replaces an earlier one.
pub fn llm_items_kind<T, K: Kind<T>, U: IntoUsage, C: Fn(&K::Success) -> U>(
    kind: K,
    _: Probe<T>,
    slot: Slot<LlmStreaming>,
    usage: C,
) -> LlmItemsKind<K, C> {
    LlmItemsKind { kind, slot, usage }
}

impl<K: Abandon, C> Abandon for LlmItemsKind<K, C> {
    const OBSERVES: bool = true;

    fn abandon(&self) {
        self.ended(Outcome::Panicked, None, false);
    }

    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        if let Some(mut streaming) = self.slot.take() {
            if !recorded {
                streaming.running = streaming.running.unrecorded();
            }
            streaming
                .running
                .finish(end(outcome, error), streaming.response);
        }
    }
}

impl<T, K: Kind<T>, U: IntoUsage, C: Fn(&K::Success) -> U> Kind<T> for LlmItemsKind<K, C> {
    same_outcome!(T, K);

    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        // The user's closure runs without the lock.
        let said = self
            .kind
            .success(value)
            .map(|item| (self.usage)(item).into_llm_response());
        self.slot.change(|streaming| {
            streaming.running.chunk();
            if let Some(said) = said {
                streaming.response.merge(said);
            }
        });
    }
}

/// A vector operation that gives a stream, and the numbers of its items.
#[derive(Debug)]
pub struct VectorStreaming {
    run: VectorRun,
    items: usize,
    /// What `count` has said of the items, added up.
    counted: Option<usize>,
    dimensions: Option<usize>,
}

/// Begins an operation.
pub fn vector_streaming(run: VectorRun) -> VectorStreaming {
    VectorStreaming {
        run,
        items: 0,
        counted: None,
        dimensions: None,
    }
}

/// The kind of the items of `#[vector_op(stream)]`.
#[derive(Debug)]
pub struct VectorItemsKind<K, C, D> {
    kind: K,
    slot: Slot<VectorStreaming>,
    count: C,
    dimensions: D,
}

/// Adds up what `count` says of each `Ok` item; without it, each is one.
pub fn vector_items_kind<T, K, M, N, C, D>(
    kind: K,
    _: Probe<T>,
    slot: Slot<VectorStreaming>,
    count: C,
    dimensions: D,
) -> VectorItemsKind<K, C, D>
where
    K: Kind<T>,
    M: IntoCount,
    N: IntoCount,
    C: Fn(&K::Success) -> M,
    D: Fn(&K::Success) -> N,
{
    VectorItemsKind {
        kind,
        slot,
        count,
        dimensions,
    }
}

impl<K: Abandon, C, D> Abandon for VectorItemsKind<K, C, D> {
    const OBSERVES: bool = true;

    fn abandon(&self) {
        self.ended(Outcome::Panicked, None, false);
    }

    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        if let Some(streaming) = self.slot.take() {
            let known = streaming.counted.or(streaming.run.count);
            let count = known.unwrap_or(streaming.items);
            let dimensions = streaming.dimensions.or(streaming.run.dimensions);
            let mut running = streaming.run.running;
            if !recorded {
                running = running.unrecorded();
            }
            running.finish(end(outcome, error), Some(count), dimensions);
        }
    }
}

impl<T, K, M, N, C, D> Kind<T> for VectorItemsKind<K, C, D>
where
    K: Kind<T>,
    M: IntoCount,
    N: IntoCount,
    C: Fn(&K::Success) -> M,
    D: Fn(&K::Success) -> N,
{
    same_outcome!(T, K);

    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        let Some(item) = self.kind.success(value) else {
            return;
        };
        let count = (self.count)(item).into_count();
        let dimensions = (self.dimensions)(item).into_count();
        self.slot.change(|streaming| {
            streaming.items += 1;
            if let Some(count) = count {
                let sum = streaming.counted.unwrap_or(0).saturating_add(count);
                streaming.counted = Some(sum);
            }
            streaming.dimensions = dimensions.or(streaming.dimensions);
        });
    }
}
