use super::*;

fn cut_text(text: &str) -> Vec<Chunk> {
    cut(&Document {
        path: "doc.md".to_owned(),
        text: text.to_owned(),
    })
}

#[test]
fn a_chunk_knows_the_headings_above_it() {
    let chunks = cut_text("intro\n\n# Guide\n\none\n\n## Install\ntwo\n\n# Other\nthree\n");
    let seen: Vec<_> = chunks
        .iter()
        .map(|c| (c.heading.as_str(), c.text.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("", "intro"),
            ("Guide", "one"),
            ("Guide > Install", "two"),
            ("Other", "three")
        ]
    );
    assert_eq!(chunks[2].title(), "doc.md > Guide > Install");
    assert_eq!(chunks[0].title(), "doc.md");
}

#[test]
fn code_is_not_cut_and_its_comments_are_no_headings() {
    let chunks = cut_text("# A\n```sh\n# not a heading\n\nls\n```\n");
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].text, "```sh\n# not a heading\n\nls\n```");
}

#[test]
fn long_sections_are_cut_and_neighbours_overlap_by_a_sentence() {
    let paragraph = |n: usize| {
        format!(
            "{} Last sentence of {n}.",
            "Some words stand here. ".repeat(25)
        )
    };
    let text = format!("{}\n\n{}\n\n{}", paragraph(1), paragraph(2), paragraph(3));
    let chunks = cut_text(&text);
    assert_eq!(chunks.len(), 3);
    assert!(
        chunks[1].text.starts_with("Last sentence of 1.\n\nSome"),
        "{}",
        chunks[1].text
    );
    assert!(
        chunks
            .iter()
            .all(|c| word_count(&c.text) <= WORDS + WORDS / 4)
    );
}

#[test]
fn a_paragraph_without_end_is_cut_between_sentences() {
    let chunks = cut_text(&"This sentence has exactly six words. ".repeat(200));
    assert!(chunks.len() > 5);
    assert!(
        chunks
            .iter()
            .all(|c| c.text.ends_with('.') && word_count(&c.text) <= WORDS + 6)
    );
}

#[test]
fn a_long_list_or_table_is_cut_between_its_lines() {
    for line in [
        "- an item of some length that goes on",
        "| a cell | another cell of the row |",
    ] {
        let text: Vec<_> = (0..100).map(|n| format!("{line} {n}")).collect();
        let chunks = cut_text(&text.join("\n"));
        assert!(chunks.len() > 3);
        let lines: Vec<_> = chunks.iter().flat_map(|c| c.text.lines()).collect();
        assert!(
            text.iter().all(|line| lines.contains(&line.as_str())),
            "{lines:?}"
        );
    }
}

#[test]
fn nothing_gives_nothing() {
    assert!(cut_text("\n\n# Only a heading\n").is_empty());
}
