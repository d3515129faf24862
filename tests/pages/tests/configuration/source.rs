//! Reads the sources of the runtime, and the tables of a page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

pub(crate) type Names = BTreeSet<String>;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// The sources of the runtime, without those of tests.
pub(crate) fn sources() -> Vec<(PathBuf, TokenStream)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("obs-runtime/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_of_tests = ["tests.rs", "fixtures.rs", "receiver.rs"]
                .iter()
                .any(|end| name.ends_with(end));
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !is_of_tests {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, code(text.parse().unwrap())));
            }
        }
    }
    found
}

/// Tokens without attributes, of which comments of documentation are some, and without what is compiled for tests.
pub(crate) fn code(tokens: TokenStream) -> TokenStream {
    let mut out = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_hash = matches!(&token, TokenTree::Punct(p) if p.as_char() == '#');
        match (token, tokens.peek()) {
            (TokenTree::Punct(_), Some(TokenTree::Group(group)))
                if is_hash && group.delimiter() == Delimiter::Bracket =>
            {
                let of_tests = group.stream().to_string() == "cfg (test)";
                tokens.next();
                if of_tests {
                    // The item ends with its body, or with a semicolon.
                    let ends = |token: &TokenTree| match token {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(p) => p.as_char() == ';',
                        _ => false,
                    };
                    let _ = tokens.by_ref().find(ends);
                }
            }
            (TokenTree::Group(group), _) => {
                let inside = code(group.stream());
                out.push(proc_macro2::Group::new(group.delimiter(), inside).into());
            }
            (token, _) => out.push(token),
        }
    }
    out.into_iter().collect()
}

pub(crate) fn texts(tokens: &TokenStream, out: &mut Vec<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => texts(&group.stream(), out),
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    out.push(text.value());
                }
            }
            _ => {}
        }
    }
}

pub(crate) fn texts_of(tokens: &TokenStream) -> Vec<String> {
    let mut out = Vec::new();
    texts(tokens, &mut out);
    out
}

/// The body of a function of a file.
pub(crate) fn body(tokens: &TokenStream, function: &str) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is =
        |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(i)) if i == word);
    let at = (0..tokens.len()).find(|at| is(*at, "fn") && is(at + 1, function));
    let at = at.unwrap_or_else(|| panic!("there is no function {function}"));
    let braces = tokens[at..].iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    braces.unwrap()
}

pub(crate) fn is_upper(text: &str) -> bool {
    let is = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    text.len() > 3 && text.bytes().all(is)
}

/// The rows of the tables below a heading, until the next one of its level: their cells.
pub(crate) fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let level = heading.split(' ').next().unwrap();
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let higher =
        |line: &&str| line.starts_with('#') && line.split(' ').next().unwrap().len() <= level.len();
    let lines = lines.take_while(|line| !higher(line));
    let rows = lines.filter(|line| line.starts_with('|') && !line.starts_with("|--"));
    let cells = |line: &str| {
        let line = line.replace("\\|", "¦");
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

/// What stands between back quotes.
pub(crate) fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
