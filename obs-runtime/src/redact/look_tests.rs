use super::super::keys::SECRET;
use super::super::{masked, masked_by};
use super::*;
use proptest::prelude::*;

/// Returns whether something of the text is read closely.
fn is_seen(text: &str) -> bool {
    !is_clean(text.as_bytes())
}

#[test]
fn every_name_of_a_secret_is_seen() {
    for word in SECRET {
        assert!(is_seen(&format!("{word}=")), "{word}");
        assert!(is_seen(&word.to_ascii_uppercase()), "{word}");
    }
}

#[test]
fn every_prefix_is_seen() {
    for (prefix, ..) in PREFIXES {
        let key = [*prefix, b"0"].concat();
        assert!(!is_clean(&key), "{}", String::from_utf8_lossy(prefix));
    }
}

#[test]
fn needles_stand_once_and_in_lower_case() {
    for (i, needle) in NEEDLES.iter().enumerate() {
        assert!(needle.at + 3 <= needle.text.len() || needle.text.len() == 2);
        assert_eq!(needle.text.to_ascii_lowercase(), needle.text);
        assert!(NEEDLES[..i].iter().all(|n| n.text != needle.text));
    }
}

#[test]
fn most_text_is_passed_over() {
    for text in [
        r#"{"id":1234,"name":"the third of them","ok":true}, "#,
        "connection to the index refused after 3 retries, giving up!!",
        "The authors of the passage looked at 12 tokens; tokenizers are keyboards.",
        r#"{"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}"#,
    ] {
        assert!(!is_seen(text), "{text}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "password",
            "PW",
            "pw=",
            "token",
            "api key",
            "Authorization: ",
            "Bearer ",
            "basic ",
            "sk-",
            "SK",
            "0123456789abcdef0123456789abcdef",
            "eyJabcdefg.",
            "://",
            "u:p@h",
            "=",
            ": ",
            "\"",
            ", ",
            "--",
            "name",
            "value",
            "\"name\": \"",
            "mysql -px",
            "curl -u a:b ",
            " is ",
            "hunter2",
            "%3D",
            "<",
            ">",
            "\n",
            "\n  ",
            "-----BEGIN PRIVATE KEY-----",
            "sig",
            "Signature=",
            "é",
            "identified by 'x'",
            "AKIAABCDEFGHIJKLMNOP",
            "ghp_0123456789",
        ])
        .prop_map(str::to_owned),
        // So that windows end everywhere.
        "[a-z ,.:=]{0,90}".prop_map(|s: String| s),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn what_is_passed_over_holds_no_secret(text in pieces()) {
        let all = masked_by(&text, Look::at_all(text.as_bytes()));
        prop_assert_eq!(masked(&text), all);
    }
}
