//! Texts that are made to be read again and again, or to hide a secret behind another.

use super::prefixes::{Alphabet, PREFIXES};
use super::tests::of_default;
use super::*;

/// How often a byte may be read: what looks back or ahead is bounded, but more than once.
const MOST_READS: usize = 64;

fn work_of(text: &str) -> usize {
    work::take();
    let once = of_default(text).into_owned();
    let work = work::take();
    assert_eq!(of_default(&once), once, "twice");
    work
}

#[test]
fn a_long_text_of_triggers_is_read_once() {
    for piece in [
        "a://b:c/",
        "://",
        "://a:b",
        "password",
        "eyJ",
        "=\\\"",
        "key ",
        "[{",
        "token: ",
        ",a",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        // Found nothing behind them, and read to the end for it.
        "invalid token:[",
        "invalid token:A(",
        "token%3D***",
        "token%3D",
        "<token><![CDATA[",
        "<token><![CDATA[***",
        "<token>",
        "token='***",
        "token=\\\"***",
        "Cookie:a=\"***",
        "cookie=a; ",
        "Authorization: Bearer ***",
        "Authorization='Bearer ",
        "[[\"token\",\"a",
        "--token '***",
        "bearer a",
        "//basic",
        "eyJaaaaaa.",
    ] {
        let text = piece.repeat(40_000 / piece.len());
        let work = work_of(&text);
        assert!(
            work <= MOST_READS * text.len(),
            "{work} bytes read of {} of {piece:?}",
            text.len()
        );
    }
}

#[test]
fn a_scheme_before_the_token_hides_nothing() {
    for (text, expected) in [
        ("token: Bearer abcdefg1, x", "token: ***, x"),
        ("x-auth-token: Bearer hunter2 x", "x-auth-token: *** x"),
        ("access_token=bearer hunter2", "access_token=***"),
        (
            "authorization=Bearer hunter2 x=1",
            "authorization=Bearer *** x=1",
        ),
        ("\"token\": \"Bearer a b\"", "\"token\": \"***\""),
    ] {
        assert_eq!(of_default(text), expected, "of {text}");
    }
}

#[test]
fn what_stands_in_the_place_of_a_value_may_be_the_next_name() {
    for (text, expected) in [
        ("token= api_key: hunter2 x", "token= *** *** x"),
        ("password: secret= hunter2", "password: *** ***"),
        ("password= user=bob", "password= ***"),
        ("AccountKey=b== x", "AccountKey=*** x"),
        // What was masked is no part of a name.
        ("password=expected token: abc", "password=*** token: ***"),
    ] {
        assert_eq!(of_default(text), expected, "of {text}");
    }
}

#[test]
fn cookies_without_a_header_end_with_the_last_of_them() {
    assert_eq!(
        of_default("cookie=a=b; c=d; e status=401"),
        "cookie=***; e status=401"
    );
    assert_eq!(of_default("cookie=abc user=bob"), "cookie=*** user=bob");
}

#[test]
fn elements_are_masked_whatever_their_length() {
    let long = "a1".repeat(2000);
    assert_eq!(
        of_default(&format!("<token>{long}</token>")),
        "<token>***</token>"
    );
    assert_eq!(
        of_default(&format!("<token><![CDATA[{long}]]>\n</token>")),
        "<token><![CDATA[***]]>\n</token>"
    );
    assert_eq!(
        of_default("<password><![CDATA[cut off he"),
        "<password><![CDATA[***"
    );
    assert_eq!(of_default("Vec<Token> and <b>"), "Vec<Token> and <b>");
}

#[test]
fn private_keys_of_openpgp() {
    assert_eq!(
        of_default(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVY\n-----END PGP PRIVATE KEY BLOCK-----"
        ),
        "-----BEGIN PGP PRIVATE KEY BLOCK-----***-----END PGP PRIVATE KEY BLOCK-----"
    );
}

#[test]
fn a_parser_may_say_where_it_is() {
    for text in [
        "unexpected token: [1, 2] at line 12345678",
        "invalid token: Ident(Span 123456789)",
        "unexpected token: { at byte 123456789 }",
    ] {
        assert_eq!(of_default(text), text);
    }
    assert_eq!(of_default("invalid token: 8f3a99b1c"), "invalid token: ***");
    assert_eq!(
        of_default("invalid token: '8f3a 99b1'"),
        "invalid token: '***'"
    );
}

#[test]
fn every_prefix_is_found_by_its_first_two_letters() {
    for &(prefix, alphabet, least) in PREFIXES {
        let prefix = std::str::from_utf8(prefix).unwrap();
        let digits = match alphabet {
            Alphabet::Hex => "0123456789abcdef",
            _ => "0123456789ABCDEF",
        };
        let secret = &digits.repeat(5)[..least];
        assert_eq!(
            of_default(&format!("a {prefix}{secret}.")),
            "a ***.",
            "{prefix}"
        );
        // `sk-proj-…` is `sk-…` too, were it not for its own length.
        let is_longer = PREFIXES
            .iter()
            .any(|(other, ..)| *other != prefix.as_bytes() && prefix.as_bytes().starts_with(other));
        if !is_longer {
            let short = format!("a {prefix}{}.", &secret[1..]);
            assert_eq!(of_default(&short), short);
        }
    }
}
