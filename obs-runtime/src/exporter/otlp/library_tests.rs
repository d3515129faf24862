use proptest::prelude::*;

use super::*;
use crate::callsite::ConstValue;
use crate::exporter::otlp::fixtures::{Fixture, callsite, decode, encode, pair};

const DRIVER: &[(&str, ConstValue)] = &[
    (OTEL_SCOPE_NAME, ConstValue::Str("driver")),
    ("db.system.name", ConstValue::Str("postgresql")),
    (OTEL_SCOPE_VERSION, ConstValue::Str("1.2")),
];
const OTHER: &[(&str, ConstValue)] = &[(OTEL_SCOPE_NAME, ConstValue::Str("other"))];

/// Names, versions and the numbers of spans of a request's scopes.
fn scopes(body: &[u8]) -> Vec<(String, String, usize)> {
    let mut request = decode(body);
    assert_eq!(request.resource_spans.len(), 1);
    let scopes = request.resource_spans.remove(0).scope_spans.into_iter();
    let each = scopes.map(|s| {
        let scope = s.scope.unwrap_or_default();
        (scope.name, scope.version, s.spans.len())
    });
    each.collect()
}

#[test]
fn spans_of_libraries_stand_under_their_scope() {
    let of = |constants| Fixture::new(callsite(&[], constants), Vec::new());
    let driver = of(DRIVER);
    let twice = Fixture::new(driver.callsite, Vec::new());
    let body = encode(&[driver, Fixture::bare(), of(OTHER), twice]);
    let obs = ("obs".to_owned(), env!("CARGO_PKG_VERSION").to_owned(), 1);
    let expected = [
        obs,
        ("driver".to_owned(), "1.2".to_owned(), 2),
        ("other".to_owned(), String::new(), 1),
    ];
    assert_eq!(scopes(&body), expected);
    // The scope says it: the span does not say it again.
    let spans = &decode(&body).resource_spans[0].scope_spans[1].spans;
    assert!(
        spans[0]
            .attributes
            .contains(&pair("db.system.name", "postgresql"))
    );
    let keys = spans[0].attributes.iter().map(|a| &*a.key);
    assert_eq!(keys.filter(|key| Library::is_named_by(key)).count(), 0);
}

#[test]
fn without_spans_of_its_own_obs_has_no_scope() {
    let body = encode(&[Fixture::new(callsite(&[], OTHER), Vec::new())]);
    assert_eq!(scopes(&body), [("other".to_owned(), String::new(), 1)]);
}

#[test]
fn a_failed_span_of_a_library_does_not_say_it_again_either() {
    let mut failed = Fixture::new(callsite(&[], OTHER), Vec::new());
    failed.outcome = crate::trace::Outcome::Panicked;
    let request = decode(&encode(&[failed]));
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert!(span.status.is_some());
    assert!(!span.attributes.iter().any(|a| Library::is_named_by(&a.key)));
}

proptest! {
    #[test]
    fn the_length_is_an_upper_bound(items in proptest::collection::vec((0..4_usize, 0..400_usize), 0..40), most in 0..4000_usize) {
        let all = ["", "a", "lib", "a library with a longer name"];
        let mut libraries = Libraries::default();
        let mut taken = 0;
        for (library, size) in items {
            let library = Library { name: all[library].into(), version: all[3 - library].into(), ..Library::default() };
            let before = libraries.len;
            let fits = libraries.add(&library, most, |out| out.resize(out.len() + size, 7));
            prop_assert!(fits || libraries.len == before);
            taken += if fits { size } else { 0 };
        }
        let mut encoded = Vec::new();
        libraries.encode(&mut encoded);
        let encoded = encoded.len();
        prop_assert!(libraries.len <= most);
        prop_assert!(taken <= encoded && encoded <= libraries.len);
    }
}
