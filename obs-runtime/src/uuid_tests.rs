use super::*;

#[test]
fn version_and_variant_replace_their_bits() {
    assert_eq!(
        uuid(4, u64::MAX, u64::MAX),
        "ffffffff-ffff-4fff-bfff-ffffffffffff"
    );
    assert_eq!(uuid(7, 0, 0), "00000000-0000-7000-8000-000000000000");
}
