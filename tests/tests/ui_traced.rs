//! Misuse of `#[traced]`, `#[llm_call]`, `#[vector_op]`, `span!` and `#[main]`, and what the
//! compiler says.

#[test]
fn misuse_is_said_at_the_users_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/traced_*.rs");
    cases.compile_fail("ui/calls_*.rs");
    cases.compile_fail("ui/main_*.rs");
}
