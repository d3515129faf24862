use super::*;
use proptest::prelude::*;

fn masked(pattern: &str, text: &str) -> String {
    Pattern::new("test", pattern)
        .unwrap()
        .redact(text)
        .into_owned()
}

#[test]
fn patterns_mask_whole_words() {
    for (pattern, text, expected) in [
        (
            "EMP-######",
            "EMP-123456 and EMP-1234567, xEMP-123456",
            "*** and EMP-1234567, xEMP-123456",
        ),
        ("acme_*", "key acme_a-b_9, acme_", "key ***, acme_"),
        ("id:*;", "id:ab; id: ;", "*** id: ;"),
        ("user/*/key", "user/bob/key user//key", "*** user//key"),
        ("Ü-??", "Ü-ä1 Ü-a", "*** Ü-a"),
        (
            "#### #### #### ####",
            "card 4111 1111 1111 1111.",
            "card ***.",
        ),
    ] {
        assert_eq!(masked(pattern, text), expected, "{pattern}");
    }
    assert!(matches!(
        Pattern::new("n", "a*").unwrap().redact("nothing"),
        Cow::Borrowed(_)
    ));
}

#[test]
fn patterns_that_mask_all_or_nothing_are_refused() {
    for bad in ["", "*", "?", "* *", " ", "a*b", "a*#", "a**", "x?*?"] {
        let error = Pattern::new("mine", bad).unwrap_err();
        assert!(
            error.is_config() && error.to_string().contains("`mine`"),
            "{bad}: {error}"
        );
    }
}

#[test]
fn a_hook_that_panics_shows_nothing() {
    let custom = Custom {
        patterns: vec![Pattern::new("n", "n##").unwrap()],
        hooks: vec![
            Arc::new(|text: &str| text.contains("bob").then(|| text.replace("bob", "***"))),
            Arc::new(|text: &str| {
                assert!(!text.contains("boom"));
                None
            }),
        ],
    };
    assert_eq!(custom.redact("bob n12".into()), "*** ***");
    assert_eq!(custom.redact("plain".into()), "plain");
    assert_eq!(custom.redact("boom".into()), "<panicked while redacting>");
}

proptest! {
    #[test]
    fn any_text_is_accepted(text in "\\PC{0,60}", pattern in "[a#?* -]{1,6}") {
        if let Ok(pattern) = Pattern::new("any", &pattern) {
            let once = pattern.redact(&text).into_owned();
            prop_assert_eq!(pattern.redact(&once), once.as_str());
        }
    }
}

#[test]
fn a_long_text_is_read_in_a_moment() {
    // Quadratic would be minutes.
    for piece in ["a", "a-", "a ", "a*-", "é"] {
        let _ = masked("a*", &piece.repeat(400_000));
        let _ = masked("a* *", &piece.repeat(400_000));
    }
}
