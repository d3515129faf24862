use super::{distance, nearest};

#[test]
fn a_swap_of_neighbours_is_one_edit() {
    assert_eq!(distance("nmae", "name"), 1);
    assert_eq!(distance("level", "level"), 0);
    assert_eq!(distance("", "abc"), 3);
}

#[test]
fn a_far_word_is_no_suggestion() {
    assert_eq!(nearest("xyz", ["name", "kind"].into_iter()), None);
    assert_eq!(
        nearest("filds", ["name", "fields"].into_iter()),
        Some("fields")
    );
}
