//! Misuse of labels and of the metric macros, and what the compiler says.

#[test]
fn misuse_is_said_at_the_users_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/label_*.rs");
    cases.compile_fail("ui/metric_*.rs");
}
