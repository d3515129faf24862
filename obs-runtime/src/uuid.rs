//! UUIDs (RFC 9562).

/// Returns a UUID of the given version; the bits that say version and variant are set in place of
/// those that are given.
pub(crate) fn uuid(version: u64, high: u64, low: u64) -> String {
    let high = high & !0xf000 | version << 12;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
#[path = "uuid_tests.rs"]
mod tests;
