//! The corpus of texts that hold secrets, and of such that only look like it, through the text of an error.

use obs_runtime::{current, testing, traced};

#[traced]
fn fails(text: &str) {
    current::set_error("sample", text);
}

fn redacted(text: &str) -> String {
    let captured = testing::capture(|| fails(text));
    let error = captured.span("fails").error.as_ref().unwrap();
    error.message.clone().unwrap()
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('\\') => out.push('\\'),
                other => panic!("unknown escape {other:?} in {text}"),
            },
            c => out.push(c),
        }
    }
    out
}

#[test]
fn every_sample_of_the_corpus() {
    let corpus = include_str!("../../corpus/redaction.txt");
    let mut wrong = Vec::new();
    let (mut kept, mut masked) = (0, 0);
    for line in corpus
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        let (text, expected) = if let Some(text) = line.strip_prefix("keep ") {
            kept += 1;
            (text, text)
        } else {
            masked += 1;
            let sample = line.strip_prefix("mask ").expect("keep or mask");
            sample.rsplit_once(" => ").expect("text => result")
        };
        let (text, expected) = (unescaped(text), unescaped(expected));
        for (text, what) in [(&text, "once"), (&expected, "again")] {
            let result = redacted(text);
            if result != expected {
                wrong.push(format!(
                    "{what}: {text}\n  gives {result}\n  not   {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kept >= 30 && masked >= 40, "{kept} kept, {masked} masked");
}
