use super::{LLM_CALL, TRACED, distance, nearest};

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

#[test]
fn an_argument_of_another_macro_names_that_macro() {
    assert_eq!(
        TRACED.unknown("model"),
        "`model` is an argument of `#[llm_call]`, not of `#[traced]`"
    );
    assert_eq!(
        TRACED.unknown("operation"),
        "`operation` is an argument of `#[llm_call]` and `#[vector_op]`, not of `#[traced]`"
    );
}

#[test]
fn a_typo_of_an_own_argument_is_suggested() {
    assert_eq!(
        LLM_CALL.unknown("modle"),
        "`#[llm_call]` has no argument `modle`; did you mean `model`?"
    );
}

#[test]
fn a_strange_word_gets_the_list() {
    let message = TRACED.unknown("frobnicate");
    assert!(message.starts_with("`#[traced]` has no argument `frobnicate`; it takes `name`, "));
}
