use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_duration_falls_in_the_bucket_of_its_bound(nanos in prop_oneof![any::<u64>(), 0..20_000_000_000_u64]) {
        let bucket = NANOS[..BOUNDS].iter().position(|bound| nanos <= *bound);
        prop_assert_eq!(bucket_of(nanos), bucket.unwrap_or(BOUNDS));
    }
}

#[test]
fn bounds_and_their_neighbours() {
    for (index, bound) in NANOS[..BOUNDS].iter().enumerate() {
        assert_eq!(
            [
                bucket_of(bound - 1),
                bucket_of(*bound),
                bucket_of(bound + 1)
            ],
            [index, index, index + 1]
        );
    }
    assert_eq!((bucket_of(0), bucket_of(u64::MAX)), (0, BOUNDS));
}
