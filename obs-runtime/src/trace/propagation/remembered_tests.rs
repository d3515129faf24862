use super::*;

fn key(n: u128) -> Key {
    (TraceId(n), 1)
}

fn state(text: &str) -> TraceState {
    text.parse().unwrap()
}

#[test]
fn the_oldest_traces_are_forgotten_first() {
    let mut table = Table::default();
    let capacity = CAPACITY as u128;
    for n in 0..capacity {
        table.keep(key(n), &state("a=1"));
    }
    // Seen again: now the latest.
    table.keep(key(0), &state("a=2"));
    table.keep(key(capacity), &state("a=3"));
    assert_eq!(table.states.len(), CAPACITY);
    assert_eq!(table.order.len(), CAPACITY);
    assert_eq!(table.states[&key(0)], state("a=2"));
    assert_eq!(table.states[&key(capacity)], state("a=3"));
    assert!(!table.states.contains_key(&key(1)));
}

#[test]
fn an_empty_state_forgets_the_trace() {
    let mut table = Table::default();
    table.keep(key(1), &state("a=1"));
    table.keep(key(1), &TraceState::default());
    table.keep(key(2), &TraceState::default());
    assert!(table.states.is_empty() && table.order.is_empty());
}
