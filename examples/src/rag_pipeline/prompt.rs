//! What the model is told.

use crate::index::Hit;

/// The system message.
pub const INSTRUCTION: &str = "\
Answer the question from the numbered sources alone, in at most three sentences. Put the number of \
the source behind each sentence, like this: [1]. If the sources do not answer the question, say so.";

/// The user message: the sources, numbered from 1, then the question.
pub fn with_sources(question: &str, sources: &[Hit]) -> String {
    let mut prompt = String::new();
    for (n, hit) in sources.iter().enumerate() {
        prompt.push_str(&format!(
            "[{}] {}\n{}\n\n",
            n + 1,
            hit.chunk.title(),
            hit.chunk.text
        ));
    }
    prompt.push_str(&format!("Question: {question}"));
    prompt
}
