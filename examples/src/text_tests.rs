use super::*;

#[test]
fn stop_words_are_sorted() {
    assert!(STOP_WORDS.is_sorted(), "binary_search needs an order");
}

#[test]
fn forms_of_a_word_share_a_stem() {
    for forms in [
        &["index", "indexes", "indexed", "indexing"][..],
        &["store", "stored", "stores", "storing"],
        &["plan", "plans", "planned", "planning"],
        &["commission", "commissioned", "commissions"],
        &["city", "cities"],
        &["evaluate", "evaluates", "evaluated", "evaluation"],
        &["pipeline", "pipelines"],
    ] {
        let first = stem(forms[0]);
        for form in forms {
            assert_eq!(stem(form), first, "{form}");
        }
    }
    assert_eq!(stem("glass"), "glass");
    assert_eq!(stem("über"), "über");
}

#[test]
fn stems_leave_out_what_says_nothing() {
    assert_eq!(stems("Who built the bridge, and when?"), ["built", "bridg"]);
}

#[test]
fn sentences_end_where_a_reader_would_end_them() {
    let text = "Dr. Ito met J. Doe at 3.5 km. They spoke, e.g. about tea! 
Did it rain? Yes.";
    assert_eq!(
        sentences(text),
        [
            "Dr. Ito met J. Doe at 3.5 km.",
            "They spoke, e.g. about tea!",
            "Did it rain?",
            "Yes."
        ]
    );
}

#[test]
fn markdown_is_read_as_prose() {
    let text = "# Title\n\nA **bold** [link](http://x.y/z) and `code_*|x`, 2 * 3.\n\n```\nlet x = 1. Or two.\n```\n- first item\n- second\n  goes on\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    assert_eq!(
        sentences(text),
        [
            "A bold link and code_*|x, 2 * 3.",
            "first item",
            "second goes on",
            "1 · 2"
        ]
    );
}

#[test]
fn other_scripts_have_words_and_sentences() {
    assert_eq!(sentences("猫は寝る。犬は走る。").len(), 2);
    assert_eq!(
        words("Größe Ölpreis").collect::<Vec<_>>(),
        ["größe", "ölpreis"]
    );
}
