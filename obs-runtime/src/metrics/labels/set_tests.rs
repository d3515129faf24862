use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Labels, Names, equal_bytes};

fn names(all: &[&'static str]) -> Names {
    all.iter().map(|name| (*name).into()).collect()
}

#[test]
fn the_last_of_a_name_counts_and_no_value_is_no_label() {
    let labels = Labels::from([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
    assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
    assert_eq!(
        (labels.len(), labels.get("b"), labels.get("c")),
        (2, Some("3"), None)
    );
    let emptied = Labels::from([("a", "1"), ("a", "")]);
    assert!(emptied.is_empty() && emptied == Labels::new());
    assert_eq!(format!("{labels:?}"), r#"{"a": "2", "b": "3"}"#);
}

#[test]
fn names_are_one_piece_of_memory() {
    let names = names(&["a", "b"]);
    let both = Labels::with_names(&names, ["1", "2"].into_iter());
    assert!(both.names().is_some_and(|own| Arc::ptr_eq(own, &names)));
    let one = Labels::with_names(&names, ["", "2"].into_iter());
    assert_eq!(one, Labels::from([("b", "2")]));

    let mut same = Labels::from([("a", "5"), ("b", "6")]);
    same.share_names(&both);
    assert!(same.names().is_some_and(|own| Arc::ptr_eq(own, &names)));
    let mut other = Labels::from([("b", "6")]);
    other.share_names(&both);
    assert_eq!(other, Labels::from([("b", "6")]));
}

#[test]
fn plain_is_what_no_format_escapes() {
    assert!(Labels::from([("a", "Zürich / 5")]).is_plain());
    for special in ["\"", "\\", "\n", "\0", "\t"] {
        assert!(!Labels::from([("a", "x"), ("b", special)]).is_plain());
    }
}

#[test]
fn no_names_are_no_labels() {
    let none = Labels::with_names(&names(&[]), std::iter::empty());
    assert!(none.is_empty() && none == Labels::new() && none.is_plain());
    assert_eq!(none.names(), None);
}

#[test]
fn names_count_before_values_and_equal_names_elsewhere_are_others() {
    let (a, b) = (Labels::from([("a", "2")]), Labels::from([("b", "1")]));
    assert!(a < b);
    assert!(Labels::new() < a && a < Labels::from([("a", "2"), ("b", "1")]));
    let elsewhere = names(&["a"]);
    assert_eq!(a.values_are(&elsewhere, ["2"].into_iter()), None);
    let hash = |labels: &Labels| {
        std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(labels)
    };
    assert_ne!(hash(&a), hash(&b));
}

#[test]
fn what_is_left_of_an_iterator_is_known() {
    let labels = Labels::from([("a", "1"), ("b", "2"), ("c", "3")]);
    let mut pairs = labels.iter();
    for left in [3, 2, 1, 0, 0] {
        assert_eq!(pairs.len(), left);
        pairs.next();
    }
}

#[test]
fn the_first_byte_that_differs_is_found_wherever_it_is() {
    let text: Vec<u8> = (0..40).collect();
    for (a, b) in (0..=40).flat_map(|a| (0..=40).map(move |b| (a, b))) {
        let both = a.min(b);
        assert_eq!(equal_bytes(&text[..a], &text[..b]), both, "{a} and {b}");
        for at in 0..both {
            let mut other = text[..b].to_vec();
            other[at] ^= 0x80;
            // What differs behind it does not count.
            if let Some(last) = other[at + 1..].last_mut() {
                *last ^= 1;
            }
            assert_eq!(equal_bytes(&text[..a], &other), at, "{a} and {b}");
        }
    }
}

/// Values that have much in common, and more of them than lie in place.
fn values() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof!["[ab]{1,3}", "(long value )?[ab]{6,20}", "\\PC{1,5}"];
    prop::collection::vec(value, 7)
}

fn sign(order: core::cmp::Ordering) -> i8 {
    order as i8
}

proptest! {
    #[test]
    fn behaves_as_a_sorted_map(pairs in prop::collection::vec(("[a-f]", "[ab\"]{0,3}"), 0..12)) {
        let labels: Labels = pairs.iter().cloned().collect();
        let mut map: BTreeMap<_, _> = pairs.into_iter().collect();
        map.retain(|_, value| !value.is_empty());
        let expected: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        prop_assert_eq!(labels.iter().collect::<Vec<_>>(), expected);
        prop_assert_eq!(labels.iter().len(), map.len());
        for name in ["a", "b", "f", "z"] {
            prop_assert_eq!(labels.get(name), map.get(name).map(String::as_str));
        }
        prop_assert!(labels.values().eq(map.values()));
    }

    #[test]
    fn shared_names_change_no_order(a in values(), b in values(), count in 0_usize..7) {
        let names = names(&["a", "b", "c", "d", "e", "f", "g"][..count]);
        let with = |values: &[String]| Labels::with_names(&names, values[..count].iter().map(String::as_str));
        let alone = |labels: &Labels| labels.iter().map(|(k, v)| (k.to_owned(), v)).collect::<Labels>();
        let (a, b) = (with(&a), with(&b));
        let expected = sign(a.iter().cmp(b.iter()));
        prop_assert_eq!(sign(a.cmp(&b)), expected);
        prop_assert_eq!(sign(alone(&a).cmp(&b)), expected);
        prop_assert_eq!(sign(alone(&a).cmp(&alone(&b))), expected);
        prop_assert_eq!(a == b, expected == 0);
        prop_assert!(HashSet::from([alone(&a)]).contains(&a));
        let values: Vec<_> = b.values().collect();
        if count > 0 {
            prop_assert_eq!(a.values_are(&names, values.into_iter()), Some(expected == 0));
        }
    }
}
