//! Cuts documents into pieces that fit a prompt.

use crate::documents::Document;
use obs_examples::text;

/// Words in a chunk: enough to answer from, few enough that six of them fit any context window.
const WORDS: usize = 160;

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The document's path.
    pub source: String,
    /// The headings above it, outermost first, joined by ` > `; may be empty.
    pub heading: String,
    /// The text.
    pub text: String,
}

impl Chunk {
    /// What is embedded: the headings say what a paragraph is about.
    pub fn embedding_text(&self) -> String {
        format!("{}\n{}", self.heading, self.text)
    }

    /// `guide.md > Install`: how a prompt names the chunk.
    pub fn title(&self) -> String {
        if self.heading.is_empty() {
            self.source.clone()
        } else {
            format!("{} > {}", self.source, self.heading)
        }
    }
}

/// Cuts a document at its headings, and a long section at its paragraphs; neighbours in a section
/// share a sentence, so that what refers back can be understood.
pub fn cut(document: &Document) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut headings: Vec<(usize, String)> = Vec::new();
    for section in sections(&document.text) {
        if let Some((level, title)) = section.heading {
            headings.retain(|(above, _)| *above < level);
            headings.push((level, title.to_owned()));
        }
        let heading: Vec<_> = headings.iter().map(|(_, title)| title.as_str()).collect();
        let heading = heading.join(" > ");
        for text in pack(&section.paragraphs) {
            chunks.push(Chunk {
                source: document.path.clone(),
                heading: heading.clone(),
                text,
            });
        }
    }
    chunks
}

#[derive(Default)]
struct Section<'a> {
    heading: Option<(usize, &'a str)>,
    paragraphs: Vec<String>,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections = vec![Section::default()];
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        in_code ^= fence;
        let heading = if in_code { None } else { text::heading(line) };
        let ends = heading.is_some() || (line.trim().is_empty() && !in_code);
        if let (true, Some(section)) = (ends, sections.last_mut()) {
            end_paragraph(&mut paragraph, section);
        }
        if heading.is_some() {
            sections.push(Section {
                heading,
                paragraphs: Vec::new(),
            });
        } else if !ends {
            paragraph.push_str(line);
            paragraph.push('\n');
        }
    }
    if let Some(section) = sections.last_mut() {
        end_paragraph(&mut paragraph, section);
    }
    sections
}

fn end_paragraph(paragraph: &mut String, section: &mut Section<'_>) {
    if !paragraph.trim().is_empty() {
        section.paragraphs.push(paragraph.trim_end().to_owned());
    }
    paragraph.clear();
}

/// Fills chunks with whole paragraphs; one that is too long is cut between its sentences, a list or
/// a table between its lines.
fn pack(paragraphs: &[String]) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut current = String::new();
    // Whether `current` holds more than what it shares with the chunk before it.
    let mut fresh = false;
    for (part, space) in paragraphs.iter().flat_map(|p| parts(p)) {
        if fresh && word_count(&current) + word_count(&part) > WORDS {
            let shared = text::sentences(&current)
                .pop()
                .filter(|s| word_count(s) < WORDS / 4);
            chunks.push(std::mem::replace(&mut current, shared.unwrap_or_default()));
        }
        if !current.is_empty() {
            current.push_str(space);
        }
        current.push_str(&part);
        fresh = true;
    }
    if fresh {
        chunks.push(current);
    }
    chunks
}

/// A paragraph, or its pieces if it is too long, each with what stands before it in a text.
fn parts(paragraph: &str) -> Vec<(String, &'static str)> {
    if word_count(paragraph) <= WORDS || paragraph.starts_with("```") {
        return vec![(paragraph.to_owned(), "\n\n")];
    }
    let is_prose = !paragraph.lines().any(text::stands_alone);
    let (pieces, space) = if is_prose {
        (text::sentences(paragraph), " ")
    } else {
        (paragraph.lines().map(str::to_owned).collect(), "\n")
    };
    let separated = |(i, piece)| (piece, if i == 0 { "\n\n" } else { space });
    pieces.into_iter().enumerate().map(separated).collect()
}

fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
