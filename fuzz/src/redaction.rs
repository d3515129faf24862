//! What must hold for the redaction of whatever text: no panic, text again, nothing more to mask in what is masked, every
//! byte read a bounded number of times, and no secret of a known kind that shows.

use std::borrow::Cow;

use obs_runtime::private::{redact, redact_work};

/// How often a byte may be read; looks ahead and back that have a bound of their own are not counted.
const MOST_READS: usize = 64;
/// A text that begins a scan at each step shows it at this length.
const LONG: usize = 8 * 1024;

/// Letters and digits that every kind below allows.
const SECRET: &str = "7F3A9C1E5B2D8046AF13C9E7B5D20864";

/// What stands before and behind a secret.
const KINDS: &[(&str, &str)] = &[
    ("password=", ""),
    ("DB_PASSWORD: ", ","),
    ("x-api-key: ", "."),
    ("client_secret => ", ""),
    ("https://x.test/?access_token=", "&page=2"),
    ("access_token=Bearer ", ""),
    ("Authorization: Bearer ", ", status 401"),
    ("authorization: Basic ", ""),
    ("Authorization: Hawk id=\"dh37\", mac=\"", "\""),
    ("Cookie: a=b; sid=", ""),
    ("cookie=a=b; sid=", ""),
    ("sent Bearer ", " and failed"),
    ("--password ", ""),
    ("next=%2Fa%3Ftoken%3D", "%26page%3D2"),
    ("postgres://u:", "@h/db"),
    ("https://", "@h/x"),
    ("https://hooks.slack.com/services/T0/", ""),
    ("https://api.telegram.org/bot1:", "/getMe"),
    ("sk-", ""),
    ("sk-proj-", ""),
    ("rk_test_", ""),
    ("GOCSPX-", ""),
    ("AGE-SECRET-KEY-1", ""),
    ("key-", ""),
    ("SK", ""),
    ("STRIPE_KEY=", ""),
    ("{\"name\": \"DB_PASSWORD\", \"value\": \"", "\"}"),
    ("- name: DB_PASSWORD\n  value: ", ""),
    ("password:\n  ", ""),
    ("token: |\n  ", ""),
    ("mysql -u root -p", " shop"),
    ("curl -u bob:", " https://x.test"),
    ("IDENTIFIED BY '", "'"),
    ("the password is ", "."),
    ("ghp_", ""),
    ("github_pat_", ""),
    ("AKIA", ""),
    ("AIza", ""),
    ("xoxb-", ""),
    ("hf_", ""),
    ("dapi", ""),
    ("SG.a.", ""),
    ("hvs.", ""),
    ("eyJhbGciOi.eyJzdWIi.", "."),
    (
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "\n-----END RSA PRIVATE KEY-----",
    ),
    (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n",
        "\n-----END PGP PRIVATE KEY BLOCK-----",
    ),
    ("<password>", "</password>"),
    ("{\"api_key\": \"", "\"}"),
    ("\"{\\\"api_key\\\": \\\"", "\\\"}\""),
    ("password='", "'"),
    ("Login { token: Some(\"", "\") }"),
    ("[(\"secret\", \"", "\")]"),
    ("[\"--token\", \"", "\"]"),
];

/// The first byte chooses the kind of the secret, the rest is the text around it.
pub fn run(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    check(&text);
    let piece = text.get(..text.floor_char_boundary(32)).unwrap_or_default();
    if !piece.is_empty() {
        check(&piece.repeat(LONG / piece.len()));
    }
    plant(usize::from(*choice), &text);
}

/// The masked text.
fn check(text: &str) -> Cow<'_, str> {
    redact_work();
    let once = redact(text);
    let work = redact_work();
    assert!(
        work <= MOST_READS * (text.len() + 64),
        "{work} bytes read of {}: {text:?}",
        text.len()
    );
    assert!(once.len() <= 3 * (text.len() + 1), "{text:?}");
    assert_eq!(redact(&once), once, "masked twice: {text:?}");
    once
}

/// No secret shows, whatever stands around it.
fn plant(choice: usize, text: &str) {
    let (begin, end) = KINDS[choice % KINDS.len()];
    let (before, behind) = text.split_once('\0').unwrap_or((text, ""));
    if before.contains(SECRET) || behind.contains(SECRET) {
        return;
    }
    // Which of two marks opens and which closes, no reader can know.
    let quote = |c: char| matches!(c, '"' | '\'' | '`' | '\\');
    let before = match begin.contains(quote) {
        true => Cow::Owned(before.replace(quote, "")),
        false => Cow::Borrowed(before),
    };
    let text = format!("{before}\n{begin}{SECRET}{end}\n{behind}");
    let masked = check(&text);
    assert!(!masked.contains(SECRET), "{text:?} shows it: {masked:?}");
}
