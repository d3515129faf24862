use super::*;

fn lines(text: &str, most: usize) -> Vec<String> {
    wrap(text, most).collect()
}

#[test]
fn lines_end_between_words() {
    assert_eq!(lines("one two three", 7), ["one two", "three"]);
    assert_eq!(lines("one two three", 8), ["one two", "three"]);
    assert_eq!(lines("one two three", 13), ["one two three"]);
    assert_eq!(lines("", 5), [""]);
    assert_eq!(lines("  ", 5), [""]);
    let kept = format!("took {}", unbroken("3.00 s"));
    assert_eq!(lines(&kept, 9), ["took", "3.00 s"]);
}

#[test]
fn a_word_that_is_longer_than_a_line_is_broken() {
    assert_eq!(lines("abcdefgh", 3), ["abc", "def", "gh"]);
    assert_eq!(lines("a bcdefgh", 3), ["a", "bcd", "efg", "h"]);
    // Each of these takes two columns.
    assert_eq!(lines("日本語", 4), ["日本", "語"]);
    assert_eq!(lines("日本語", 0), ["日", "本", "語"]);
}
