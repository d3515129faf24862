//! The hash of label values that a set of series is searched by.

/// Returns the hash of label values, which is seeded for each metric, so that nobody can choose
/// values that meet in one place.
#[inline]
pub(crate) fn hash(seed: u64, values: &[&str]) -> u64 {
    values
        .iter()
        .fold(seed, |state, value| mix(seed, state, value))
}

/// Adds a text to a hash, one multiplication for each sixteen bytes.
#[inline]
pub(super) fn mix(seed: u64, state: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    // The length keeps ("ab", "c") apart from ("a", "bc").
    let state = state.wrapping_add(bytes.len() as u64);
    let (ends, long) = ends(bytes);
    let state = if long {
        hash_chunks(state, bytes)
    } else {
        state
    };
    fold(state ^ ends.0, ends.1 ^ seed.rotate_left(32))
}

/// Returns both ends of the text as words, overlapping, and whether there is more between them.
#[inline]
fn ends(bytes: &[u8]) -> ((u64, u64), bool) {
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            len > 16,
        );
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return ((first.into(), last.into()), false);
    }
    let byte = |at: usize| bytes.get(at).copied().map_or(0, u64::from);
    ((byte(0) | byte(1) << 8, byte(2)), false)
}

#[cold]
fn hash_chunks(state: u64, bytes: &[u8]) -> u64 {
    // The last chunk overlaps the one before it, unless the length is a multiple of 16.
    let last = bytes.last_chunk::<16>().map(<[u8; 16]>::as_slice);
    bytes
        .chunks_exact(16)
        .chain(last)
        .fold(state, |state, chunk| {
            let ((first, last), _) = ends(chunk);
            fold(state ^ first, last ^ 0x9e37_79b9_7f4a_7c15)
        })
}

#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}
