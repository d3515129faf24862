use super::*;

/// Other tests of this process use the same budget: what they hold is small beside it.
const MOST: usize = DEFAULT - DEFAULT / 4;

#[test]
fn what_is_dropped_gives_back_what_it_held() {
    let share = Arc::<Share>::default();
    let mut held = share.hold(1 << 20).expect("room");
    assert!(share.extend(&mut held, 3 << 20));
    // It has that already.
    assert!(share.extend(&mut held, 2 << 20));
    assert_eq!(held.bytes(), 3 << 20);
    held.shrink(1 << 20);
    assert_eq!(share.held.load(Ordering::Relaxed), 2 << 20);
    drop(held);
    assert_eq!(share.held.load(Ordering::Relaxed), 0);
}

// bug: a receiver that hung could take all memory, and more than there was to be.
#[test]
fn a_queue_leaves_the_others_their_shares() {
    let (greedy, other) = (Arc::<Share>::default(), Arc::<Share>::default());
    let first = other.hold(1).expect("room");
    let mut taken = Vec::new();
    while let Some(held) = greedy.hold(256 << 10) {
        taken.push(held);
    }
    let greedys = taken.iter().map(Held::bytes).sum::<usize>();
    assert!(greedys <= MOST / 2, "{greedys}");
    assert!(other.hold(1 << 20).is_some(), "the other has its own");
    drop((first, taken));
    assert_eq!(greedy.held.load(Ordering::Relaxed), 0);
}

#[test]
fn more_than_all_is_refused_and_takes_nothing() {
    let share = Arc::<Share>::default();
    assert!(share.hold(usize::MAX).is_none());
    assert!(!hold(usize::MAX / 2));
    let mut held = Held::none();
    assert!(!held.grow(DEFAULT + 1));
    assert_eq!((held.bytes(), share.held.load(Ordering::Relaxed)), (0, 0));
}
