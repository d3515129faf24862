//! The sums of a stopwatch, by instants that the test chooses.

use super::*;

const MS: Duration = Duration::from_millis(1);

// case: 94
#[test]
fn busy_is_the_sum_of_the_polls_and_idle_the_time_between_them() {
    let start = Instant::now();
    let at = |ms: u32| start + MS * ms;
    let mut watch = Stopwatch::idle();
    // Three polls of 5 ms, 25 ms apart.
    for poll in 0..3 {
        watch.enter(at(poll * 30));
        watch.leave(at(poll * 30 + 5));
    }
    assert_eq!(watch.totals(at(65)), Some((15 * MS, 50 * MS)));
}

#[test]
fn a_poll_that_unwinds_counts_until_then() {
    let start = Instant::now();
    let mut watch = Stopwatch::idle();
    watch.enter(start);
    watch.leave(start + MS);
    watch.enter(start + 4 * MS);
    assert_eq!(watch.totals(start + 6 * MS), Some((3 * MS, 3 * MS)));
}

#[test]
fn what_never_began_has_no_times() {
    let start = Instant::now();
    assert_eq!(Stopwatch::idle().totals(start), None);
    // Left without being entered: obs was off.
    let mut watch = Stopwatch::idle();
    watch.leave(start);
    assert_eq!(watch.totals(start), None);
}

#[test]
fn a_clock_that_goes_back_makes_no_time() {
    let start = Instant::now();
    let mut watch = Stopwatch::idle();
    watch.enter(start + MS);
    watch.leave(start);
    assert_eq!(watch.totals(start), Some((Duration::ZERO, Duration::ZERO)));
}
