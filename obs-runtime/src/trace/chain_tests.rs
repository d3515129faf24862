use super::*;
use crate::trace::local::redact;

fn redacted(text: &str, chain: &[Range<usize>]) -> (String, Vec<Option<String>>) {
    let error = WithCauses {
        text: text.to_owned(),
        chain: chain.to_vec(),
    };
    let (message, chain) = error.redacted(redact);
    let words = chain
        .into_iter()
        .map(|link| Some(message[link.words?].to_owned()));
    let words = words.collect();
    (message, words)
}

fn all<const N: usize>(words: [&str; N]) -> Vec<Option<String>> {
    words.map(|words| Some(words.to_owned())).into()
}

#[test]
fn words_of_causes_are_places_in_the_message() {
    let (message, words) = redacted("no index: no host: refused", &[0..8, 10..17, 19..26]);
    assert_eq!(message, "no index: no host: refused");
    assert_eq!(words, all(["no index", "no host", "refused"]));
}

#[test]
fn what_is_masked_in_the_message_is_masked_in_the_cause() {
    // Of itself, behind another that is shorter than it was, and because of what caused it.
    let text = "password=hunter2: cannot log in with token=abcdefgh: refused";
    let (message, words) = redacted(text, &[0..16, 18..51, 53..60]);
    assert_eq!(message, "password=*** cannot log in with token=*** refused");
    let login = "cannot log in with token=***";
    assert_eq!(words, all(["password=***", login, "refused"]));
    let text = "api_key: hunter2hunter2";
    let (message, words) = redacted(text, &[0..7, 9..23]);
    assert!(!message.contains("hunter2"), "{message}");
    assert!(!format!("{words:?}").contains("hunter2"), "{words:?}");
}
