use super::{LLM_CALL, MAIN, ON_FAILURE, PIPELINE_TASK, SHARED, TRACED, VECTOR_OP};

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
    assert!(
        message
            .starts_with("`#[traced]` has no argument `frobnicate`; it takes `stream`, `name`, ")
    );
}

/// Known to the parser, so that it says what to do instead. They do nothing yet, so they are on no
/// page.
const NOT_YET: &[&str] = &["capture", "budget", "reserve", "cache"];

#[test]
fn each_page_names_every_argument() {
    let pages = [
        (&LLM_CALL, include_str!("../docs/llm_call.md")),
        (&VECTOR_OP, include_str!("../docs/vector_op.md")),
        (&MAIN, include_str!("../docs/main.md")),
        (&PIPELINE_TASK, include_str!("../docs/pipeline_task.md")),
        (&ON_FAILURE, include_str!("../docs/handlers.md")),
    ];
    let named = |page: &str, argument: &str| {
        let argument = format!("`{argument}");
        let mut behind = page.split(&argument).skip(1);
        behind.any(|rest| rest.starts_with([' ', '(', '`', ',']))
    };
    for (table, page) in pages {
        for argument in table.own.iter().filter(|a| !NOT_YET.contains(a)) {
            assert!(
                named(page, argument),
                "`{argument}` is not on the page of {}",
                table.name
            );
        }
        assert!(page.contains("\n```"), "{} has an example", table.name);
    }
    let traced = include_str!("../docs/traced.md");
    for argument in SHARED {
        assert!(
            named(traced, argument),
            "`{argument}` is not on the page of traced"
        );
    }
}
