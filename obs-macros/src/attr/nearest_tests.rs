use super::{distance, is_slip, nearest};

#[test]
fn a_swap_of_neighbours_is_one_edit() {
    assert_eq!(distance("nmae", "name"), 1);
    assert_eq!(distance("level", "level"), 0);
    assert_eq!(distance("", "abc"), 3);
}

#[test]
fn a_slip_is_one_letter_or_two_neighbours() {
    for (word, meant) in [("hots", "host"), ("widht", "width"), ("tokem", "token")] {
        assert!(is_slip(word, meant), "{word}");
    }
    for (word, other) in [
        ("rows", "row"),
        ("tokenn", "token"),
        ("name", "same"),
        ("ip", "pi"),
        ("item1", "item2"),
        ("owner", "under"),
        ("width", "width"),
    ] {
        assert!(!is_slip(word, other), "{word}");
    }
}

#[test]
fn a_far_word_is_no_suggestion() {
    assert_eq!(nearest("xyz", ["name", "kind"].into_iter()), None);
    assert_eq!(
        nearest("filds", ["name", "fields"].into_iter()),
        Some("fields")
    );
}
