//! The pairs of bytes that may lead to a secret.
//!
//! They choose, in a part of a text that has to be read closely, the few places that are worth a
//! look.

use super::prefixes::PREFIXES;

/// The first two letters of schemes and of JSON Web Tokens.
const STARTS: &[&[u8; 2]] = &[b"ey", b"ba", b"be", b"Ba", b"Be"];

/// For each byte, which next bytes can lead to a secret, by the lower five bits of the next byte.
static NEXT: [u32; 256] = {
    let mut next = [0; 256];
    next[b':' as usize] = u32::MAX;
    next[b'=' as usize] = u32::MAX;
    next[b',' as usize] = u32::MAX;
    next[b'>' as usize] = u32::MAX;
    next[b' ' as usize] = u32::MAX;
    next[b'-' as usize] = 1 << (b'-' & 31);
    next[b'%' as usize] = 1 << (b'3' & 31);
    let mut i = 0;
    while i < STARTS.len() {
        next[STARTS[i][0] as usize] |= 1 << (STARTS[i][1] & 31);
        i += 1;
    }
    i = 0;
    while i < PREFIXES.len() {
        let (prefix, ..) = PREFIXES[i];
        next[prefix[0] as usize] |= 1 << (prefix[1] & 31);
        i += 1;
    }
    next
};

/// Returns how many bytes from `i` on lead nowhere.
#[inline]
pub(super) fn next_lead(bytes: &[u8], i: usize) -> Option<usize> {
    let mut pairs = bytes.get(i..)?.windows(2);
    pairs.position(|pair| NEXT[pair[0] as usize] >> (pair[1] & 31) & 1 != 0)
}
