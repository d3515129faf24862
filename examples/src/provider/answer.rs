//! The built-in provider's "model": it answers by picking sentences out of the context.
//!
//! It makes nothing up: every sentence of an answer stands in the prompt, and its source is cited
//! by the number that the prompt gives it.

use std::collections::{BTreeSet, HashMap};

use crate::text;

/// Sentences in an answer.
const MOST: usize = 3;
/// Share of the question's weight that the best sentence must cover to be an answer at all.
const ENOUGH: f32 = 0.2;
/// What an answer says when the context holds none.
const NO_ANSWER: &str = "The context does not answer this question.";

struct Sentence<'a> {
    /// The number that the prompt gave its source.
    source: Option<&'a str>,
    position: usize,
    text: String,
    stems: Vec<String>,
    /// Stems of what leads up to it: its source's title, and the sentence before it if it
    /// refers to that one ("It opened in 1932.").
    before: Vec<String>,
    follows_question: bool,
}

/// Answers the question at the end of a prompt from the context before it.
///
/// A source starts with a line `[1] title`; the question follows `Question:`, or is the last
/// paragraph.
pub fn answer(prompt: &str) -> String {
    let (context, question) = split_question(prompt);
    let sentences = read_sources(context);
    let wanted: BTreeSet<String> = text::stems(question).into_iter().collect();
    let weights = weigh(&wanted, &sentences);
    // A question in a text leads to the answer after it; it is none itself.
    let mut ranked: Vec<(f32, &Sentence<'_>)> = sentences
        .iter()
        .filter(|sentence| !sentence.text.ends_with('?'))
        .map(|sentence| (score(sentence, question, &weights), sentence))
        .collect();
    // Equal scores keep the order of the sources, which is that of their relevance.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = ranked.first().map_or(0.0, |(score, _)| *score);
    if best < ENOUGH {
        return NO_ANSWER.to_owned();
    }
    let mut chosen: Vec<&Sentence<'_>> = Vec::new();
    for (score, sentence) in ranked {
        if chosen.len() == MOST || score < (best * 0.6).max(ENOUGH) {
            break;
        }
        if chosen.iter().all(|other| likeness(other, sentence) < 0.6) {
            chosen.push(sentence);
        }
    }
    // The best sentence opens the answer, those of the same source follow in their order.
    let first_of = |source| chosen.iter().position(|s| s.source == source);
    let mut ordered: Vec<_> = chosen.clone();
    ordered[1..].sort_by_key(|s| (first_of(s.source), s.position));
    let cited = ordered.iter().map(|s| cite(s)).collect::<Vec<_>>();
    cited.join(" ")
}

fn cite(sentence: &Sentence<'_>) -> String {
    let Some(source) = sentence.source else {
        return sentence.text.clone();
    };
    let text = sentence.text.trim_end_matches(['.', ':', ';']);
    let end = if text.ends_with(['!', '?', '。', '！', '？']) {
        ""
    } else {
        "."
    };
    // The mark stands before the full stop, so that a sentence keeps its source when split off.
    format!("{text} [{source}]{end}")
}

fn split_question(prompt: &str) -> (&str, &str) {
    let cut = prompt
        .rfind("Question:")
        .map(|at| (at, at + "Question:".len()));
    let last_paragraph = || {
        let at = prompt.trim_end().rfind("\n\n")?;
        Some((at, at))
    };
    match cut.or_else(last_paragraph) {
        Some((end, start)) => (&prompt[..end], prompt[start..].trim()),
        None => ("", prompt.trim()),
    }
}

/// `[3] guide.md` is the head of source 3.
fn source_head(line: &str) -> Option<(&str, &str)> {
    let (number, title) = line.strip_prefix('[')?.split_once(']')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, title))
}

fn read_sources(context: &str) -> Vec<Sentence<'_>> {
    let mut sources: Vec<(Option<(&str, &str)>, String)> = vec![(None, String::new())];
    for line in context.lines() {
        match source_head(line) {
            Some(head) => sources.push((Some(head), String::new())),
            None => {
                if let Some((_, body)) = sources.last_mut() {
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
    }
    if sources.len() > 1 {
        // What stands before the first source is an instruction.
        sources.remove(0);
    }
    let mut sentences: Vec<Sentence<'_>> = Vec::new();
    for (head, body) in &sources {
        let title = head.map_or_else(Vec::new, |(_, title)| text::stems(title));
        let mut previous: Option<String> = None;
        for (position, text) in text::sentences(body).into_iter().enumerate() {
            let mut before = title.clone();
            let follows_question = previous.as_ref().is_some_and(|p| p.ends_with('?'));
            if let Some(previous) = previous.filter(|_| refers_back(&text) || follows_question) {
                before.extend(text::stems(&previous));
            }
            previous = Some(text.clone());
            sentences.push(Sentence {
                source: head.map(|(number, _)| number),
                position,
                stems: text::stems(&text),
                text,
                before,
                follows_question,
            });
        }
    }
    sentences
}

fn refers_back(sentence: &str) -> bool {
    const BACK: &[&str] = &[
        "it", "its", "he", "his", "she", "her", "they", "their", "this", "that", "these", "those",
        "there", "both", "er", "es", "sie", "il", "elle",
    ];
    text::words(sentence)
        .next()
        .is_some_and(|word| BACK.contains(&word.as_str()))
}

/// A stem of the question weighs more the fewer sentences have it.
fn weigh(wanted: &BTreeSet<String>, sentences: &[Sentence<'_>]) -> HashMap<String, f32> {
    let total = sentences.len() as f32;
    let weight = |stem: &String| {
        let having = sentences
            .iter()
            .filter(|s| nearness(stem, &s.stems) > 0.0)
            .count();
        (1.0 + total / (having as f32 + 0.5)).ln()
    };
    wanted
        .iter()
        .map(|stem| (stem.clone(), weight(stem)))
        .collect()
}

/// 1 if the stem is among the others, less if one of them begins alike ("observ", "observab").
fn nearness(stem: &str, others: &[String]) -> f32 {
    let alike = |other: &String| {
        let shared = stem
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count();
        let longer = stem.chars().count().max(other.chars().count());
        if shared == longer {
            1.0
        } else if shared >= 5 && longer - shared <= 3 {
            0.6
        } else {
            0.0
        }
    };
    others.iter().map(alike).fold(0.0, f32::max)
}

/// How well a sentence answers: the share of the question's weight that it covers, a little for
/// what leads up to it, and for the kind of thing that was asked for.
fn score(sentence: &Sentence<'_>, question: &str, weights: &HashMap<String, f32>) -> f32 {
    let all: f32 = weights.values().sum();
    if all == 0.0 {
        return 0.0;
    }
    let (mut own, mut before) = (0.0, 0.0);
    for (stem, weight) in weights {
        let here = nearness(stem, &sentence.stems);
        own += weight * here;
        before += weight * (nearness(stem, &sentence.before) - here).max(0.0);
    }
    if own + before == 0.0 {
        return 0.0;
    }
    let led_up = if sentence.follows_question { 0.8 } else { 0.5 };
    let mut score = (own + led_up * before) / all;
    score += 0.15 * asked_for(question, &sentence.text);
    score +=
        0.15 * pairs(question, &sentence.stems).max(led_up * pairs(question, &sentence.before));
    if sentence.stems.len() < 3 {
        score *= 0.5;
    } else if sentence.stems.len() > 40 {
        score *= 0.7;
    }
    score
}

/// The share of the question's neighbouring stems that are neighbours in the sentence too: "back
/// end" says more than "back" and "end".
fn pairs(question: &str, sentence: &[String]) -> f32 {
    let question = text::stems(question);
    let shared = question
        .windows(2)
        .filter(|pair| sentence.windows(2).any(|other| other == *pair));
    shared.count() as f32 / question.len().saturating_sub(1).max(1) as f32
}

/// Whether the sentence has what the question's first word asks for: a number, a date, a name.
fn asked_for(question: &str, sentence: &str) -> f32 {
    let question = question.to_lowercase();
    let has_digit = sentence.bytes().any(|b| b.is_ascii_digit());
    let has_name = sentence
        .split_whitespace()
        .skip(1)
        .any(|word| word.chars().next().is_some_and(char::is_uppercase));
    let has_reason = ["because", "so that", "since", "therefore", "due to"]
        .iter()
        .any(|mark| sentence.contains(mark));
    let asks = |openings: &[&str]| openings.iter().any(|o| question.starts_with(o));
    let fits = (asks(&[
        "when",
        "how many",
        "how much",
        "how long",
        "how far",
        "what year",
    ]) && has_digit)
        || (asks(&["who", "where", "whose"]) && has_name)
        || (asks(&["why"]) && has_reason);
    if fits { 1.0 } else { 0.0 }
}

/// Share of stems in common: neighbouring chunks overlap, so the same sentence comes twice.
fn likeness(a: &Sentence<'_>, b: &Sentence<'_>) -> f32 {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (a.stems.iter().collect(), b.stems.iter().collect());
    a.intersection(&b).count() as f32 / a.union(&b).count().max(1) as f32
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
