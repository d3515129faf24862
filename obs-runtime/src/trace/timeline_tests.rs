use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// The ticks and the Unix time at which the clocks of the tests begin.
const TICKS: u64 = 10_000;
const UNIX: u64 = 1_700_000_000 * SECOND;

/// Clocks under the control of a test, and the line that reads them.
struct Clocks {
    /// Nanoseconds per tick.
    rate: f64,
    now: Reading,
    line: Timeline,
}

impl Clocks {
    fn start(rate: f64) -> Self {
        let now = Reading {
            ticks: TICKS,
            steady: 0,
            unix: UNIX,
        };
        Self {
            rate,
            now,
            line: Timeline::from(now),
        }
    }

    /// All clocks go on. Returns the ticks.
    fn run(&mut self, nanos: u64) -> u64 {
        self.now.ticks += (nanos as f64 / self.rate) as u64;
        self.now.steady += nanos;
        self.now.unix += nanos;
        self.now.ticks
    }

    fn pass(&mut self) {
        self.line.push(self.now);
    }

    /// Half a second in which a call of 100 ms runs in the middle, then a pass. Returns what the
    /// call's start and duration are then, and what the system clock said at its start.
    fn call(&mut self) -> (u64, u64, u64) {
        let start = self.run(200_000_000);
        let said = self.now.unix;
        let end = self.run(100_000_000);
        self.run(200_000_000);
        self.pass();
        let (from, until) = self.line.unix_nanos(start, end);
        let nanos = self.line.nanos_of(end - start);
        assert_near(until - from, nanos, nanos / 1000);
        (from, nanos, said)
    }
}

#[track_caller]
fn assert_near(is: u64, should: u64, by: u64) {
    assert!(is.abs_diff(should) <= by, "{is} instead of {should}");
}

#[test]
fn knots_are_met_exactly_when_the_clock_is_steady() {
    let mut clocks = Clocks::start(1.0);
    let times = [1_000, 1_000].map(|n| {
        let ticks = clocks.run(n);
        clocks.pass();
        ticks
    });
    let line = clocks.line;
    assert_eq!(line.unix_nanos(TICKS, times[0]), (UNIX, UNIX + 1_000));
    assert_eq!(
        line.unix_nanos(times[0] + 500, times[0] + 500).0,
        UNIX + 1_500
    );
    assert_eq!(line.unix_nanos(TICKS - 500, TICKS).0, UNIX - 500);
    assert_eq!(line.nanos_of(10), 10);
}

// bug: the rate was that of the system clock, so a step before the second reading spoilt it for good
#[test]
fn a_step_within_the_first_pass_changes_no_duration() {
    for step in [-(HOUR as i64), HOUR as i64] {
        let mut clocks = Clocks::start(0.4);
        clocks.run(10_000_000);
        clocks.now.unix = clocks.now.unix.saturating_add_signed(step);
        let (_, nanos, _) = clocks.call();
        assert_near(nanos, 100_000_000, 1_000);
        let (from, nanos, said) = clocks.call();
        assert_near(nanos, 100_000_000, 1_000);
        assert_near(from, said, 1_000);
    }
}

// bug: a clock that was set back left every later span in the future
#[test]
fn a_step_is_followed_by_the_pass_that_finds_it() {
    for step in [-(HOUR as i64), -3_000_000_000, 3_000_000_000, HOUR as i64] {
        let mut clocks = Clocks::start(0.4);
        for _ in 0..10 {
            let (from, nanos, said) = clocks.call();
            assert_near(nanos, 100_000_000, 1_000);
            assert_near(from, said, 1_000);
        }
        clocks.now.unix = clocks.now.unix.saturating_add_signed(step);
        let (from, nanos, said) = clocks.call();
        // The pass cannot know when the step was: its calls are still of the time before.
        assert_near(from.saturating_add_signed(step), said, 1_000);
        assert_near(nanos, 100_000_000, 1_000);
        for _ in 0..10 {
            let (from, nanos, said) = clocks.call();
            assert_near(nanos, 100_000_000, 1_000);
            assert_near(from, said, 1_000);
        }
    }
}

#[test]
fn a_call_across_a_step_keeps_its_duration() {
    for step in [-(HOUR as i64), HOUR as i64] {
        let mut clocks = Clocks::start(0.4);
        clocks.call();
        let (start, said) = (clocks.now.ticks, clocks.now.unix);
        clocks.call();
        clocks.now.unix = clocks.now.unix.saturating_add_signed(step);
        clocks.call();
        let child = clocks.now.ticks;
        clocks.call();
        let end = clocks.now.ticks;
        clocks.call();
        let (from, until) = clocks.line.unix_nanos(start, end);
        assert_near(from, said, 1_000);
        assert_near(until - from, 1_500_000_000, 1_000);
        assert!(clocks.line.unix_nanos(child, end).0.abs_diff(from) > HOUR / 2);
    }
}

#[test]
fn a_small_difference_is_approached_slowly() {
    for step in [-1_000_000_000_i64, 1_000_000_000] {
        let mut clocks = Clocks::start(1.0);
        clocks.call();
        clocks.now.unix = clocks.now.unix.saturating_add_signed(step);
        let (from, nanos, said) = clocks.call();
        assert_eq!(nanos, 100_000_000);
        assert_near(from.saturating_add_signed(step), said, 500_000);
        for _ in 0..5_000 {
            clocks.call();
        }
        let (from, _, said) = clocks.call();
        assert_near(from, said, 1_000);
    }
}

#[test]
fn a_sleep_is_followed_and_is_no_rate() {
    // A counter that stands still, and one that goes on.
    for ticks in [0, 8 * HOUR * 5 / 2] {
        let mut clocks = Clocks::start(0.4);
        for _ in 0..4 {
            clocks.call();
        }
        clocks.now.ticks += ticks;
        clocks.now.unix += 8 * HOUR;
        for at in 0..5 {
            let (from, nanos, said) = clocks.call();
            assert_near(nanos, 100_000_000, 100_000);
            if at > 0 {
                assert_near(from, said, 100_000_000);
            }
        }
    }
}

#[test]
fn a_counter_that_was_reset_begins_again() {
    let mut clocks = Clocks::start(0.4);
    for _ in 0..4 {
        clocks.call();
    }
    let before = clocks.run(1_000_000);
    clocks.now.ticks = 7;
    clocks.now.unix += HOUR;
    clocks.run(2_000_000);
    clocks.pass();
    let (from, until) = clocks.line.unix_nanos(before, 9);
    assert_near(from, clocks.now.unix, 1_000);
    assert_eq!(until, from);
    for _ in 0..4 {
        let (from, nanos, said) = clocks.call();
        assert_near(nanos, 100_000_000, 1_000);
        assert_near(from, said, 1_000);
    }
}

#[test]
fn a_machine_of_another_rate_is_noticed() {
    let mut clocks = Clocks::start(0.4);
    for _ in 0..4 {
        clocks.call();
    }
    clocks.rate = 0.5;
    for _ in 0..2 {
        clocks.call();
    }
    for _ in 0..10 {
        assert_near(clocks.call().1, 100_000_000, 1_000);
    }
}

#[test]
fn a_first_pass_after_a_moment_is_made_up_for() {
    let mut clocks = Clocks::start(0.4);
    clocks.run(10_000);
    // The reading is off by a microsecond, a tenth.
    clocks.now.steady += 1_000;
    clocks.pass();
    let (_, nanos, _) = clocks.call();
    assert_near(nanos, 100_000_000, 1_000);
}

/// What may happen to the clocks between two passes.
#[derive(Clone, Copy, Debug)]
enum Change {
    Nothing,
    Set(i64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => Just(Change::Nothing),
        1 => (-9_000_000_000..9_000_000_000_i64).prop_map(Change::Set),
        1 => (-(HOUR as i64)..HOUR as i64).prop_map(Change::Set),
    ]
}

proptest! {
    /// Whatever the system clock does: calls that lie inside of one another, from any time until
    /// now, do so afterwards, and take as long as they took.
    #[test]
    fn children_stay_inside_of_their_parents(
        passes in prop::collection::vec((1_000u64..5_000_000_000, change()), 2..1500),
        at in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let mut clocks = Clocks::start(0.4);
        let mut ticks = vec![TICKS];
        for (nanos, change) in passes {
            ticks.push(clocks.run(nanos / 2));
            if let Change::Set(by) = change {
                clocks.now.unix = clocks.now.unix.saturating_add_signed(by);
            }
            ticks.push(clocks.run(nanos / 2));
            clocks.pass();
        }
        let mut at: Vec<u64> = at.iter().map(|i| ticks[i.index(ticks.len())]).collect();
        at.sort_unstable();
        let line = &clocks.line;
        let outer = line.unix_nanos(at[0], at[3]);
        let nanos = (at[3] - at[0]) as f64 * 0.4;
        prop_assert!(((outer.1 - outer.0) as f64 - nanos).abs() <= nanos * 6e-4 + 1e3);
        let inner = line.unix_nanos(at[0], at[2]);
        prop_assert!(inner.0 == outer.0 && inner.1 <= outer.1);
        // The middle one may be of another stretch, and then lies elsewhere as a whole.
        let last = line.unix_nanos(at[1], at[3]);
        let middle = line.unix_nanos(at[1], at[2]);
        prop_assert!(middle.0 == last.0 && middle.0 <= middle.1 && middle.1 <= last.1);
        prop_assert!(line.knots.len() <= MOST && line.steps.len() <= MOST_STEPS);
    }

    /// Whole numbers instead of floating point cost no accuracy that anybody could see.
    #[test]
    fn an_hour_is_right_to_a_fraction_of_a_microsecond(
        rate in 0.05..50.0_f64,
        parts in prop::collection::vec(0.0..1.0_f64, 1..20),
    ) {
        let mut clocks = Clocks::start(rate);
        for _ in 0..2 {
            clocks.run(HOUR / 2);
            clocks.pass();
        }
        for part in parts {
            let at = (part * HOUR as f64 / rate) as u64;
            let exact = at as f64 * rate;
            let (start, end) = clocks.line.unix_nanos(TICKS, TICKS + at);
            prop_assert!(((end - start) as f64 - exact).abs() < 150.0);
            prop_assert!((clocks.line.nanos_of(at) as f64 - exact).abs() < 150.0);
        }
    }
}
