use super::*;

#[test]
fn a_step_of_one_name_and_place_has_one_callsite() {
    let here = Location::caller();
    let first = Label::new(StepKind::Retry, "search", here);
    let again = Label::new(StepKind::Retry, "search", here);
    assert!(core::ptr::eq(first.site, again.site));
    assert_eq!(
        (first.name(), first.site.line()),
        ("retry search", here.line())
    );
    let other = Label::new(StepKind::Function, "search", here);
    assert_eq!(other.name(), "search");
}

#[test]
fn a_long_name_is_cut() {
    let label = Label::new(StepKind::Sequence, &"ö".repeat(100), Location::caller());
    assert_eq!(label.name(), format!("sequence {}…", "ö".repeat(80)));
}
