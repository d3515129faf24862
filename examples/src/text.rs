//! Words, stems and sentences: the little language processing that the chunker, the built-in
//! provider and the evaluation share.

/// Words that say nothing about a text's subject.
const STOP_WORDS: &[&str] = &[
    "a", "about", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "did",
    "do", "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it",
    "its", "may", "me", "my", "not", "of", "on", "or", "our", "s", "should", "so", "such", "t",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
    "to", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose", "why",
    "will", "with", "would", "you", "your",
];

/// The words of a text, in lower case: letters and digits in a row, any script.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The stems of the words that carry meaning, in the order of the text.
pub fn stems(text: &str) -> Vec<String> {
    words(text)
        .filter(|word| STOP_WORDS.binary_search(&word.as_str()).is_err())
        .map(|word| stem(&word))
        .collect()
}

/// Cuts English endings, so that "indexes", "indexed" and "indexing" are one word.
///
/// A few rules in the spirit of Porter's stemmer; words of other languages mostly pass unchanged.
pub fn stem(word: &str) -> String {
    // Two rounds: "buildings", "building", "build".
    let once = cut_ending(word);
    cut_ending(&once)
}

fn cut_ending(word: &str) -> String {
    /// What is cut, what replaces it, and how many letters must be left.
    const ENDINGS: &[(&str, &str, usize)] = &[
        ("ization", "ize", 3),
        ("fulness", "ful", 3),
        ("ation", "ate", 3),
        ("ator", "ate", 3),
        ("ment", "", 4),
        ("ness", "", 4),
        ("ies", "y", 3),
        ("ied", "y", 3),
        ("ion", "", 4),
        ("ing", "", 3),
        ("ed", "", 3),
        ("er", "", 4),
        ("or", "", 4),
        ("es", "", 3),
        ("ly", "", 4),
        ("s", "", 3),
    ];
    if !word.is_ascii() || word.len() < 4 || word.ends_with("ss") {
        return word.to_owned();
    }
    let cut = ENDINGS.iter().find_map(|(ending, instead, least)| {
        let base = word.strip_suffix(ending)?;
        // What is left must still be a word, and a word has a vowel.
        let is_word = base.len() >= *least && base.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        is_word.then(|| format!("{base}{instead}"))
    });
    let mut stem = cut.unwrap_or_else(|| word.to_owned());
    // "planned" and "plan", "store" and "stored" meet here.
    if let [.., a, b] = stem.as_bytes()
        && a == b
        && a.is_ascii_alphabetic()
        && !matches!(a, b'l' | b's' | b'e' | b'o')
    {
        stem.pop();
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

/// The sentences of a text in plain prose or Markdown: code, markup and headings are left out.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            in_code = !in_code;
            flush(&mut paragraph, &mut found);
            continue;
        }
        if in_code {
            continue;
        }
        if line.starts_with('|') && is_rule(line) {
            // What stands above it are the names of the columns, no statement.
            paragraph.clear();
            continue;
        }
        let item = list_item(line);
        if line.is_empty() || heading(line).is_some() || is_rule(line) {
            flush(&mut paragraph, &mut found);
            continue;
        }
        if stands_alone(line) {
            flush(&mut paragraph, &mut found);
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(item.unwrap_or(line).trim_start_matches("> "));
    }
    flush(&mut paragraph, &mut found);
    found
}

/// A Markdown heading: `## Title` is of level 2.
pub fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let is_heading = (1..=6).contains(&level) && title.starts_with(' ');
    is_heading.then(|| (level, title.trim().trim_end_matches(" #")))
}

/// Whether a line is an item of a list or a row of a table: it stands for itself.
pub fn stands_alone(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('|') || list_item(line).is_some()
}

/// The text of a Markdown list item, without its marker.
fn list_item(line: &str) -> Option<&str> {
    ["- ", "* ", "+ "]
        .iter()
        .find_map(|marker| line.strip_prefix(marker))
        .or_else(|| {
            let (number, rest) = line.split_once(['.', ')'])?;
            let is_number = !number.is_empty()
                && number.len() < 4
                && number.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| rest.strip_prefix(' ')).flatten()
        })
}

/// A horizontal rule, or the line under a table's header.
fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| "-=*_|: ".contains(c))
}

fn flush(paragraph: &mut String, found: &mut Vec<String>) {
    split_sentences(&plain(paragraph), found);
    paragraph.clear();
}

/// Takes Markdown's marks out of a paragraph: emphasis, code, links, table bars.
fn plain(paragraph: &str) -> String {
    let is_row = paragraph.starts_with('|');
    let mut out = String::with_capacity(paragraph.len());
    let mut in_code = false;
    let mut rest = paragraph;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '`' => in_code = !in_code,
            c if in_code => out.push(c),
            // A star between spaces multiplies.
            '*' if !(out.ends_with(' ') && rest.starts_with(' ')) => {}
            '|' if is_row => out.push_str(if out.is_empty() || rest.is_empty() {
                ""
            } else {
                "·"
            }),
            // [text](address): the text stays.
            ']' if rest.starts_with('(') => {
                rest = rest.split_once(')').map_or(rest, |(_, after)| after);
            }
            '[' if rest.contains("](") => {}
            c => out.push(c),
        }
    }
    out
}

/// Splits at the end of each sentence; "Dr. Ito", "e.g. this", "3.5" and "J. Doe" are no ends.
fn split_sentences(paragraph: &str, found: &mut Vec<String>) {
    const ABBREVIATIONS: &[&str] = &[
        "dr", "mr", "mrs", "ms", "prof", "st", "no", "vs", "e.g", "i.e", "cf", "fig", "approx",
        "ca",
    ];
    let mut start = 0;
    let mut chars = paragraph.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => {
                let last = paragraph[start..at].rsplit([' ', '(']).next().unwrap_or("");
                let is_initial = last.chars().count() == 1 && last.chars().all(char::is_uppercase);
                let is_abbreviation = ABBREVIATIONS.contains(&last.to_lowercase().as_str());
                let boundary = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
                let next = paragraph[end..].trim_start().chars().next();
                boundary
                    && !(c == '.' && (is_initial || is_abbreviation))
                    && next.is_none_or(|next| !next.is_lowercase())
            }
            _ => false,
        };
        if ends {
            push_sentence(&paragraph[start..end], found);
            start = end;
        }
    }
    push_sentence(&paragraph[start..], found);
}

fn push_sentence(sentence: &str, found: &mut Vec<String>) {
    let sentence = sentence.trim();
    if sentence.chars().any(char::is_alphanumeric) {
        found.push(sentence.to_owned());
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
