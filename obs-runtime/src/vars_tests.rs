use super::*;

fn get<T: Value>(text: &str) -> Option<T> {
    let set = [("NAME", text)];
    let mut vars = Vars::of_list(&set);
    let value = vars.get("NAME");
    let expected = if value.is_some() || text.trim().is_empty() {
        Vec::new()
    } else {
        vec![format!(
            "NAME={}: expected {}; it is left out",
            text.trim(),
            T::EXPECTED
        )]
    };
    assert_eq!(vars.problems, expected);
    value
}

#[test]
fn each_type_has_its_form() {
    assert_eq!(get(" TRUE "), Some(true));
    assert_eq!(get("False"), Some(false));
    assert_eq!(get::<bool>("1"), None);
    assert_eq!(get("1500"), Some(Duration::from_millis(1500)));
    for bad in ["0", "-1", "10s", "1.5"] {
        assert_eq!(get::<Duration>(bad), None, "{bad}");
    }
    assert_eq!(get("0"), Some(0_u32));
    assert_eq!(get("4294967295"), Some(u32::MAX));
    assert_eq!(get::<u32>("4294967296"), None);
    assert_eq!(get("512"), NonZeroUsize::new(512));
    assert_eq!(get::<NonZeroUsize>("0"), None);
}

#[test]
fn an_empty_value_counts_as_none_and_says_nothing() {
    assert_eq!(get::<u32>(""), None);
    assert_eq!(get::<bool>("  "), None);
}

#[test]
fn what_two_read_is_said_once() {
    let set = [("NAME", "much")];
    let mut vars = Vars::of_list(&set);
    assert!(vars.get::<u32>("NAME").is_none() && vars.get::<u32>("NAME").is_none());
    assert_eq!(vars.problems.len(), 1);
}
