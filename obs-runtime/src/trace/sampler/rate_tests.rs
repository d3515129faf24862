use super::*;
use proptest::prelude::*;

#[test]
fn a_full_bucket_gives_one_second_at_once_and_then_the_rate() {
    let bucket = Bucket::new(10.0);
    assert_eq!((0..100).filter(|_| bucket.take_at(0)).count(), 10);
    // A tenth of a second later there is one more.
    assert!(!bucket.take_at(99_999_999));
    assert!(bucket.take_at(100_000_000));
    assert!(!bucket.take_at(100_000_000));
    // An idle hour fills it to the brim and no further.
    let hour = 3_600_000_000_000;
    assert_eq!((0..100).filter(|_| bucket.take_at(hour)).count(), 10);
}

#[test]
fn less_than_one_a_second_is_kept_too() {
    let bucket = Bucket::new(0.1);
    let taken = (0..60).filter(|s| bucket.take_at(s * 1_000_000_000));
    assert_eq!(taken.count(), 6);
}

#[test]
fn zero_lets_nothing_through() {
    let none = Bucket::new(0.0);
    assert!(none.is_usable() && !none.take_at(0) && !none.take_at(u64::MAX));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(!Bucket::new(bad).is_usable(), "{bad}");
    }
}

#[test]
fn threads_share_the_bucket() {
    let bucket = Bucket::new(1_000.0);
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..1_000).filter(|_| bucket.take_at(7)).count()))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(taken, 1_000);
}

proptest! {
    /// In no window of time there are more than its share and one burst.
    #[test]
    fn no_window_has_too_many(rate in 0.5f64..200.0, steps in prop::collection::vec(0u64..50_000_000, 1..400)) {
        let bucket = Bucket::new(rate);
        let mut now = 0;
        let mut taken = Vec::new();
        for step in steps {
            now += step;
            if bucket.take_at(now) {
                taken.push(now);
            }
        }
        for (i, from) in taken.iter().enumerate() {
            for (j, to) in taken.iter().enumerate().skip(i) {
                let most = rate.max(1.0) + (to - from) as f64 / SECOND * rate + 1e-6 * rate + 1.0;
                prop_assert!(((j - i + 1) as f64) <= most, "{} in {} ns", j - i + 1, to - from);
            }
        }
    }
}
