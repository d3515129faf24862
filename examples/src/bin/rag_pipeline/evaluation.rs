//! Faithfulness: does the answer say only what the sources say?

use std::collections::BTreeSet;

use obs_examples::text;

/// Share of a sentence's stems that one source must have to support it.
const SUPPORT: f32 = 0.8;

/// The share of the answer's sentences that one of the sources supports, from 0 to 1.
///
/// A sentence is supported if a source has at least four fifths of its meaningful word stems. An
/// answer without a sentence is supported by nothing.
pub fn faithfulness<'a>(answer: &str, sources: impl IntoIterator<Item = &'a str>) -> f64 {
    let sources: Vec<BTreeSet<String>> = sources
        .into_iter()
        .map(|source| text::stems(source).into_iter().collect())
        .collect();
    let claims: Vec<Vec<String>> = text::sentences(&without_citations(answer))
        .iter()
        .map(|sentence| text::stems(sentence))
        .filter(|stems| !stems.is_empty())
        .collect();
    let supported = claims.iter().filter(|claim| {
        sources.iter().any(|source| {
            let known = claim.iter().filter(|stem| source.contains(*stem)).count();
            known as f32 >= SUPPORT * claim.len() as f32
        })
    });
    if claims.is_empty() {
        0.0
    } else {
        supported.count() as f64 / claims.len() as f64
    }
}

/// The numbers of the sources that an answer cites, `[2]`, in the order of their first mention.
pub fn citations(answer: &str) -> Vec<usize> {
    let mut cited = Vec::new();
    for mark in answer.split('[').skip(1) {
        let number = mark
            .split_once(']')
            .and_then(|(number, _)| number.parse().ok());
        if let Some(number) = number.filter(|number| !cited.contains(number)) {
            cited.push(number);
        }
    }
    cited
}

/// Each citation ends a claim, also where the next sentence begins with a small letter.
fn without_citations(answer: &str) -> String {
    citations(answer)
        .iter()
        .fold(answer.to_owned(), |text, number| {
            let ended = text.replace(&format!(" [{number}]."), ".\n\n");
            ended.replace(&format!(" [{number}]"), "")
        })
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "shares of small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_the_share_of_supported_sentences() {
        let sources = [
            "The bridge opened in 1932. It is grey.",
            "The ferry crosses hourly.",
        ];
        assert_eq!(faithfulness("The bridge opened in 1932 [1].", sources), 1.0);
        assert_eq!(
            faithfulness("The bridge opened in 1932 [1]. Penguins eat fish.", sources),
            0.5
        );
        assert_eq!(faithfulness("Penguins eat fish.", sources), 0.0);
        assert_eq!(faithfulness("", sources), 0.0);
        assert_eq!(faithfulness("The bridge opened in 1932.", []), 0.0);
    }

    #[test]
    fn a_citation_ends_a_claim() {
        let sources = ["gRPC needs port 4317.", "obs listens nowhere by itself."];
        let answer = "gRPC needs port 4317 [1]. obs listens nowhere by itself [2].";
        assert_eq!(faithfulness(answer, sources), 1.0);
    }

    #[test]
    fn a_sentence_patched_together_of_two_sources_is_not_supported() {
        let sources = [
            "The red tower stands in Oslo.",
            "The museum in Lima opened early.",
        ];
        assert_eq!(
            faithfulness("The red tower museum opened Lima.", sources),
            0.0
        );
    }

    #[test]
    fn citations_are_read_once_each_in_order() {
        assert_eq!(citations("A [2]. B [1]. C [2] [x] [12"), [2, 1]);
        assert_eq!(citations("none"), [0; 0]);
    }
}
