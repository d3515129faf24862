//! Labels whose values the compiler knows, and the macros that count with them.

use obs_runtime::Label;

#[test]
fn the_variants_names_are_the_values() {
    #[derive(Label)]
    #[allow(dead_code)]
    enum Region {
        EuWest,
        #[label(name = "us")]
        UnitedStates,
        r#Type,
    }
    assert_eq!(Region::VALUES, Some(&["eu_west", "us", "type"][..]));
    assert_eq!(Region::EuWest.as_str(), "eu_west");
    assert_eq!(Region::UnitedStates.as_str(), "us");
    assert_eq!(Region::r#Type.as_str(), "type");
}

#[test]
fn a_name_of_ones_own_goes_before_the_case() {
    #[derive(Label)]
    #[label(rename_all = "SCREAMING_SNAKE_CASE")]
    #[allow(dead_code)]
    enum Method {
        Get,
        #[label(name = "patch")]
        Patch,
        DeleteAll,
    }
    assert_eq!(Method::VALUES, Some(&["GET", "patch", "DELETE_ALL"][..]));
    assert_eq!(Method::DeleteAll.as_str(), "DELETE_ALL");
}

#[test]
fn other_types_that_are_labels() {
    assert_eq!(true.as_str(), "true");
    assert_eq!(false.as_str(), "false");
    assert_eq!(bool::VALUES, Some(&["false", "true"][..]));
    assert_eq!(Label::as_str(&"eu"), "eu");
    assert_eq!(<&'static str>::VALUES, None);
}

/// The derive names nothing of the scope that it stands in.
mod hostile {
    #![no_implicit_prelude]
    #![allow(dead_code, non_camel_case_types)]

    struct str;
    struct Option;
    struct Some;

    #[derive(::obs_runtime::Label)]
    pub(crate) enum Region<const N: usize> {
        Eu,
    }
}

#[test]
fn a_hostile_scope_does_no_harm() {
    assert_eq!(hostile::Region::<1>::Eu.as_str(), "eu");
}
