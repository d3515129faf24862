use super::*;

fn key(n: u128) -> Key {
    (TraceId(n), 1)
}

fn state(text: &str) -> TraceState {
    text.parse().unwrap()
}

fn keep(table: &mut Table, key: Key, text: &str) {
    table.change(key, |_| Kept {
        state: state(text),
        wish: Wish::None,
    });
}

#[test]
fn the_oldest_traces_are_forgotten_first() {
    let mut table = Table::default();
    let capacity = CAPACITY as u128;
    for n in 0..capacity {
        keep(&mut table, key(n), "a=1");
    }
    // Seen again: now the latest.
    keep(&mut table, key(0), "a=2");
    keep(&mut table, key(capacity), "a=3");
    assert_eq!(table.kept.len(), CAPACITY);
    assert_eq!(table.order.len(), CAPACITY);
    assert_eq!(table.kept[&key(0)].state, state("a=2"));
    assert_eq!(table.kept[&key(capacity)].state, state("a=3"));
    assert!(!table.kept.contains_key(&key(1)));
}

#[test]
fn an_empty_state_forgets_the_trace() {
    let mut table = Table::default();
    keep(&mut table, key(1), "a=1");
    keep(&mut table, key(1), "");
    keep(&mut table, key(2), "");
    assert!(table.kept.is_empty() && table.order.is_empty());
}

#[test]
fn a_wish_stays_when_the_state_is_told_again() {
    let context =
        SpanContext::from_traceparent("00-00000000000000000000000000000b31-0000000000000007-01")
            .unwrap();
    super::keep(&context, &state("a=1"), Wish::Debug);
    assert_eq!(wish(context.trace_id, context.scope), Wish::Debug);
    #[cfg(feature = "opentelemetry")]
    {
        keep_state(&context, &TraceState::default());
        assert_eq!(wish(context.trace_id, context.scope), Wish::Debug);
        assert_eq!(find(&context), None);
    }
    super::keep(&context, &TraceState::default(), Wish::None);
    assert_eq!(wish(context.trace_id, context.scope), Wish::None);
}
