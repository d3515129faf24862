use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

#[test]
fn keys_are_set_replaced_and_removed() {
    let mut baggage = Baggage::new();
    baggage.insert("a", "1").unwrap();
    baggage.insert("b", "2").unwrap();
    baggage.insert("a", "3").unwrap();
    assert_eq!(baggage.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
    assert_eq!(baggage.remove("a").as_deref(), Some("3"));
    assert_eq!(baggage.remove("a"), None);
    assert_eq!(baggage.to_string(), "b=2");
    baggage.clear();
    assert!(baggage.is_empty());
    assert_eq!(baggage, Baggage::new());
}

#[test]
fn a_copy_is_independent() {
    let mut baggage = Baggage::new();
    baggage.insert("a", "1").unwrap();
    let mut copy = baggage.clone();
    copy.insert("a", "2").unwrap();
    assert_eq!(baggage.get("a"), Some("1"));
}

#[test]
fn keys_that_are_no_token_are_refused() {
    let mut baggage = Baggage::new();
    for key in ["", " ", "a b", "a=b", "a,b", "a;b", "ü", "a\n", "\"a\""] {
        let error = baggage.insert(key, "1").unwrap_err();
        assert_eq!(error, BaggageError::Key(key.to_owned()));
    }
    assert!(baggage.is_empty());
    baggage.insert("!#$%&'*+-.^_`|~09azAZ", "1").unwrap();
}

#[test]
fn no_more_than_64_members() {
    let mut baggage = Baggage::new();
    for i in 0..MAX_MEMBERS {
        baggage.insert(format!("k{i}"), "v").unwrap();
    }
    assert_eq!(baggage.insert("one-more", "v"), Err(BaggageError::Members));
    // What is there may still change.
    baggage.insert("k0", "w").unwrap();
    assert_eq!(baggage.len(), MAX_MEMBERS);
    let header = format!("{baggage},one-more=v");
    assert_eq!(Baggage::from_header(&header), baggage);
}

#[test]
fn no_more_than_8192_bytes_as_they_are_sent() {
    let mut baggage = Baggage::new();
    baggage.insert("k", "v".repeat(MAX_BYTES - 2)).unwrap();
    assert_eq!(baggage.to_header().len(), MAX_BYTES);
    let full = baggage.clone();
    assert_eq!(baggage.insert("l", ""), Err(BaggageError::Size));
    assert_eq!(
        baggage.insert("k", "v".repeat(MAX_BYTES - 1)),
        Err(BaggageError::Size)
    );
    // A space takes three bytes.
    assert_eq!(
        baggage.insert("k", " ".repeat(MAX_BYTES / 3 + 1)),
        Err(BaggageError::Size)
    );
    assert_eq!(baggage, full);
    // What does not fit is left out of what is read.
    let header = format!("a=1,{}", full.to_header());
    assert_eq!(Baggage::from_header(&header).to_header(), "a=1");
}

#[test]
fn headers_are_read_as_far_as_they_are_valid() {
    let header = "a = 1 , b=%e2%82%ac;prop;p=1 ,c,=2,d=,e=x=y,f=%zz%4,g=%ff, a=9";
    let baggage = Baggage::from_header(header);
    assert_eq!(
        baggage.iter().collect::<Vec<_>>(),
        [
            ("a", "9"),
            ("b", "€"),
            ("d", ""),
            ("e", "x=y"),
            ("f", "%zz%4"),
            ("g", "\u{fffd}")
        ]
    );
    assert_eq!(
        baggage.to_header(),
        "a=9,b=%E2%82%AC;prop;p=1,d=,e=x%3Dy,f=%25zz%254,g=%EF%BF%BD"
    );
}

#[test]
fn several_headers_are_one_list() {
    let headers = [("Baggage", "a=1"), ("baggage", "b=2")];
    let baggage = crate::trace::propagation::extract(&headers[..])
        .baggage()
        .clone();
    assert_eq!(baggage.to_header(), "a=1,b=2");
}

#[test]
fn empty_baggage_clears_a_carrier() {
    let mut carrier = HashMap::from([("Baggage".to_owned(), "old=1".to_owned())]);
    Baggage::new().inject(&mut carrier);
    assert!(carrier.is_empty());
}

proptest! {
    #[test]
    fn any_header_is_read_without_a_panic(text in any::<String>()) {
        let baggage = Baggage::from_header(&text);
        let sent = baggage.to_header();
        prop_assert!(sent.len() <= MAX_BYTES && baggage.len() <= MAX_MEMBERS);
        prop_assert!(sent.bytes().all(|b| matches!(b, b'\t' | 0x20..=0x7e)));
    }

    /// Text of the header's own characters: more of it is valid.
    #[test]
    fn what_is_read_is_sent_alike(text in "[a-c=,;% \\t0-9éü\"]{0,80}") {
        let baggage = Baggage::from_header(&text);
        prop_assert_eq!(Baggage::from_header(&baggage.to_header()), baggage);
    }

    #[test]
    fn any_value_comes_back(
        members in proptest::collection::btree_map("[!#$&'*+.^_`|~0-9A-Za-z-]{1,10}", any::<String>(), 0..20),
    ) {
        let mut baggage = Baggage::new();
        let mut accepted = BTreeMap::new();
        for (key, value) in members {
            if baggage.insert(key.clone(), value.clone()).is_ok() {
                accepted.insert(key, value);
            }
        }
        let read = Baggage::from_header(&baggage.to_header());
        prop_assert_eq!(&read, &baggage);
        let read: BTreeMap<_, _> = read.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(read, accepted);
    }
}
