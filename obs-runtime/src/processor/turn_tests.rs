use super::*;
use std::sync::mpsc::channel;
use std::thread;

#[test]
fn who_cannot_wait_goes_without_a_turn() {
    let turns = Turns::<u32>::default();
    let turn = turns.take(None).expect("the first");
    assert!(turns.take(Some(Instant::now())).is_none());
    assert!(!turns.is_wanted(), "nobody is left in the line");
    drop(turn);
    *turns.take(Some(Instant::now())).expect("free") += 1;
    assert_eq!(*turns.take(None).expect("free"), 1);
}

#[test]
fn turns_are_taken_in_the_order_in_which_threads_came() {
    let turns = Turns::<Vec<u32>>::default();
    let mut first = turns.take(None).expect("the first");
    thread::scope(|scope| {
        for number in 1..4 {
            let turns = &turns;
            scope.spawn(move || turns.take(None).expect("a turn").push(number));
            while lock(&turns.line).waiting.len() < number as usize {
                thread::yield_now();
            }
        }
        assert!(turns.is_wanted());
        first.push(0);
        drop(first);
        // Whoever comes now is behind them.
        turns.take(None).expect("a turn").push(4);
    });
    assert_eq!(*turns.take(None).expect("free"), [0, 1, 2, 3, 4]);
}

#[test]
fn a_turn_that_panics_ends() {
    let turns = Turns::<u32>::default();
    let (begun, began) = channel();
    thread::scope(|scope| {
        let turn = scope.spawn(|| {
            let _turn = turns.take(None);
            begun.send(()).expect("a test");
            std::panic::resume_unwind(Box::new(()));
        });
        began.recv().expect("a thread");
        assert!(turns.take(None).is_some());
        assert!(turn.join().is_err());
    });
}
