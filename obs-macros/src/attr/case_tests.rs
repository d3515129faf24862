use super::{CASES, rename};

#[test]
fn each_case_of_a_name_of_several_words() {
    let all: Vec<_> = CASES.iter().map(|case| rename("EuWest1", case)).collect();
    let expected = [
        "eu_west1", "eu-west1", "euWest1", "EuWest1", "euwest1", "EUWEST1", "EU_WEST1",
    ];
    assert_eq!(all, expected);
}

#[test]
fn an_abbreviation_is_one_word() {
    assert_eq!(rename("HTTPServer", "snake_case"), "http_server");
    assert_eq!(rename("GetURL", "snake_case"), "get_url");
    assert_eq!(rename("EU", "snake_case"), "eu");
    assert_eq!(rename("A", "kebab-case"), "a");
    assert_eq!(rename("Old_Name", "kebab-case"), "old-name");
}
