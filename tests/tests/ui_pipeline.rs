//! Pipelines that do not compile, and what the compiler says.

#[test]
fn misuse_is_said_at_the_users_token() {
    trybuild::TestCases::new().compile_fail("ui/pipeline_*.rs");
}
