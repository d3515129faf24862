//! What the model is told.

use std::fmt::Write as _;

use crate::index::Hit;

/// What the prompt is called.
pub const NAME: &str = "answer_from_sources";

/// The system message.
pub const INSTRUCTION: &str = "\
Answer the question from the numbered sources alone, in at most three sentences. Put the number of \
the source behind each sentence, like this: [1]. If the sources do not answer the question, say so.";

/// The user message: the sources, numbered from 1, then the question.
pub fn with_sources(question: &str, sources: &[Hit]) -> String {
    let mut prompt = String::new();
    for (n, hit) in sources.iter().enumerate() {
        let (title, text) = (hit.chunk.title(), &hit.chunk.text);
        // Writing to a `String` cannot fail.
        let _ = write!(prompt, "[{}] {title}\n{text}\n\n", n + 1);
    }
    prompt + "Question: " + question
}
