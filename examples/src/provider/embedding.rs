//! The built-in provider's embedding: a hashed bag of words, no neural network.
//!
//! Two texts are near each other when they share word stems and pairs of neighbouring stems.
//! Long words count more than short ones, because rare words tend to be long (Zipf's law of
//! abbreviation) and a rare word in common says more.

use std::collections::BTreeMap;

use crate::text;

/// What `text-embedding-3-small` returns, so that code which relies on it works.
pub const DIMENSIONS: usize = 1536;
/// Weight of two stems in a row, beside one of a stem.
const PAIR: f32 = 0.6;

/// Embeds a text: a vector of length one (of length zero if the text has no words).
pub fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let stems = text::stems(text);
    let mut counts: BTreeMap<(u64, bool), (f32, f32)> = BTreeMap::new();
    for stem in &stems {
        let weight = (stem.chars().count() as f32 / 5.0).clamp(0.6, 1.6);
        counts
            .entry((hash(stem, ""), false))
            .or_insert((0.0, weight))
            .0 += 1.0;
    }
    for pair in stems.windows(2) {
        let key = (hash(&pair[0], &pair[1]), true);
        counts.entry(key).or_insert((0.0, PAIR)).0 += 1.0;
    }
    let mut vector = vec![0.0; dimensions];
    for ((hash, _), (count, weight)) in counts {
        // The tenth mention says less than the first; the sign makes collisions cancel out.
        let value = weight * (1.0 + count.ln());
        let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
        vector[(hash % dimensions as u64) as usize] += sign * value;
    }
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}

/// FNV-1a, finished by a multiplication that spreads it to the high bits.
fn hash(a: &str, b: &str) -> u64 {
    let bytes = a.bytes().chain([0xff]).chain(b.bytes());
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| {
        (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let (a, b) = (embed(a, DIMENSIONS), embed(b, DIMENSIONS));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn a_vector_has_length_one_and_is_always_the_same() {
        let vector = embed("the harbour bridge", 256);
        assert_eq!(vector.len(), 256);
        assert!((vector.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(vector, embed("the harbour bridge", 256));
        assert!(embed("…", 256).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn the_text_that_answers_is_nearer_than_the_others() {
        let question = "When was the harbour bridge opened?";
        let right =
            "The bridge over the harbour opens to traffic in 1932, after eight years of work.";
        for wrong in [
            "The library opens at nine and closes at six.",
            "Traffic lights were invented in 1868 in London.",
            "A ferry crosses the bay every twenty minutes.",
        ] {
            assert!(
                cosine(question, right) > 2.0 * cosine(question, wrong),
                "{wrong}"
            );
        }
    }
}
