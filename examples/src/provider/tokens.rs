//! What the built-in provider counts as a token.

/// Letters in one token. English averages about 4.7 letters a word and OpenAI's vocabularies
/// about 1.3 tokens a word, which is what this gives.
const LETTERS: usize = 6;
/// Digits in one token, as in OpenAI's `cl100k_base`.
const DIGITS: usize = 3;
/// Tokens that frame each chat message, as OpenAI's cookbook counts them.
pub(super) const PER_MESSAGE: usize = 3;
/// Tokens that introduce the reply.
pub(super) const PER_REPLY: usize = 3;

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Letter,
    Digit,
    Space,
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii_digit() {
        Class::Digit
    } else if c.is_whitespace() {
        Class::Space
    } else if c.is_alphabetic() && (c as u32) < 0x2e80 {
        Class::Letter
    } else {
        // Punctuation, symbols, and scripts that are written without spaces.
        Class::Other
    }
}

/// Cuts a text into its tokens; joined, they are the text again.
///
/// Up to six letters in a row are a token, so are up to three digits, and every other visible
/// character. White space belongs to the token behind it; at the end it is a token of its own.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let mut taken: Option<(Class, usize)> = None;
        let end = rest
            .char_indices()
            .find_map(|(at, c)| {
                let class = class(c);
                let ends = match &mut taken {
                    None => {
                        taken = (class != Class::Space).then_some((class, 1));
                        false
                    }
                    Some((of, count)) => {
                        let room = match of {
                            Class::Letter => LETTERS,
                            Class::Digit => DIGITS,
                            Class::Space | Class::Other => 1,
                        };
                        *count += 1;
                        *of != class || *count > room
                    }
                };
                ends.then_some(at)
            })
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// How many tokens a text has.
pub(super) fn count(text: &str) -> usize {
    pieces(text).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text() {
        for text in [
            "",
            "  ",
            "Hello, world! 12345 \n",
            "internationalization",
            "日本語 text",
            "a\u{301}b",
        ] {
            assert_eq!(pieces(text).collect::<String>(), text);
        }
    }

    #[test]
    fn counts_are_those_of_the_rule() {
        assert_eq!(
            pieces("Hello, world!").collect::<Vec<_>>(),
            ["Hello", ",", " world", "!"]
        );
        assert_eq!(count("internationalization"), 4);
        assert_eq!(count("12345"), 2);
        assert_eq!(count("日本語"), 3);
        assert_eq!(count(""), 0);
    }
}
