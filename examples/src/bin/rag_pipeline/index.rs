//! The vector index: in this process, exact, by cosine similarity.

use obs_runtime::vector_op;

use crate::chunks::Chunk;

/// Chunks with their vectors.
#[derive(Clone, Debug, Default)]
pub struct VectorIndex {
    entries: Vec<(Chunk, Vec<f32>)>,
}

/// A chunk that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The chunk.
    pub chunk: Chunk,
    /// Cosine similarity to the query, 1 for the same direction.
    pub score: f32,
}

impl VectorIndex {
    /// Adds chunks; `vectors` has one for each.
    #[vector_op(
        system = "in_process",
        operation = "upsert",
        collection = "chunks",
        count = chunks.len(),
        dimensions = vectors.first().map_or(0, Vec::len)
    )]
    pub fn upsert(&mut self, chunks: &[Chunk], vectors: Vec<Vec<f32>>) {
        let unit = vectors.into_iter().map(normalized);
        self.entries.extend(chunks.iter().cloned().zip(unit));
    }

    /// Number of chunks.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Length of the vectors; 0 as long as there are none.
    pub fn dimensions(&self) -> usize {
        self.entries.first().map_or(0, |(_, vector)| vector.len())
    }

    /// The nearest chunks, best first; equals in the order they were added.
    #[vector_op(
        system = "in_process",
        operation = "search",
        collection = "chunks",
        count = top_k.min(self.entries.len()),
        dimensions = query.len()
    )]
    pub fn search(&self, query: Vec<f32>, top_k: usize) -> Vec<Hit> {
        let query = normalized(query);
        let mut scored: Vec<(f32, usize)> = self
            .entries
            .iter()
            .enumerate()
            .map(|(at, (_, vector))| (vector.iter().zip(&query).map(|(a, b)| a * b).sum(), at))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored
            .into_iter()
            .take(top_k)
            .map(|(score, at)| Hit {
                chunk: self.entries[at].0.clone(),
                score,
            })
            .collect()
    }
}

/// Of length one, so that a dot product is a cosine.
fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &str) -> Chunk {
        Chunk {
            source: name.to_owned(),
            heading: String::new(),
            text: String::new(),
        }
    }

    #[test]
    fn the_nearest_come_first_whatever_their_length() {
        let mut index = VectorIndex::default();
        let chunks = [chunk("east"), chunk("north"), chunk("north-east")];
        index.upsert(
            &chunks,
            vec![vec![9.0, 0.0], vec![0.0, 1.0], vec![2.0, 2.0]],
        );
        let hits = index.search(vec![0.5, 0.1], 2);
        let names: Vec<_> = hits.iter().map(|hit| hit.chunk.source.as_str()).collect();
        assert_eq!(names, ["east", "north-east"]);
        assert!(hits[0].score > hits[1].score && hits[0].score <= 1.000_001);
        assert_eq!((index.len(), index.dimensions()), (3, 2));
    }

    #[test]
    fn an_empty_index_and_an_empty_query_find_nothing_wrong() {
        assert!(VectorIndex::default().search(vec![1.0], 3).is_empty());
        let mut index = VectorIndex::default();
        index.upsert(&[chunk("a")], vec![vec![1.0, 0.0]]);
        assert!(index.search(vec![0.0, 0.0], 3)[0].score.abs() < f32::EPSILON);
    }
}
