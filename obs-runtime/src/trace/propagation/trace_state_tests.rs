use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<TraceState, ParseTraceStateError> {
    text.parse()
}

#[test]
fn valid_lists_are_passed_on_unchanged() {
    for text in [
        "a=1",
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "a=1 , b=2,,\tc=3",
        "0tenant@system/x_y-z*=opaque; with:anything ~",
        "a= leading",
    ] {
        assert_eq!(parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn an_empty_list_is_none() {
    for text in ["", " ", ",", " , \t,"] {
        assert!(parse(text).unwrap().is_empty(), "{text:?}");
    }
}

#[test]
fn lists_with_a_mistake_are_refused_as_a_whole() {
    let many = (0..33).map(|i| format!("k{i}=v")).collect::<Vec<_>>();
    for text in [
        "a",
        "a=",
        "=1",
        "A=1",
        "@a=1",
        "a b=1",
        "a=1=2",
        "a=1,a=2",
        "a=ü",
        "a=\u{7f}",
        "a=1,b",
        &many.join(","),
        &format!("{}=1", "k".repeat(257)),
        &format!("a={}", "v".repeat(257)),
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    let error = parse("a=1,B=2").unwrap_err().to_string();
    assert!(error.starts_with("tracestate, member 2"), "{error}");
    assert!(TraceState::join(&["a=1", "B=2"]).is_empty());
    assert!(parse(&many[..32].join(",")).is_ok());
}

#[test]
fn several_headers_are_one_list() {
    assert_eq!(TraceState::join(&["a=1", "b=2"]).as_str(), "a=1,b=2");
    assert!(TraceState::join(&["a=1", "a=2"]).is_empty());
    assert!(TraceState::join(&[]).is_empty());
}

#[test]
fn too_large_lists_lose_large_members_first_and_then_the_oldest() {
    let member = |key: &str, bytes: usize| format!("{key}={}", "v".repeat(bytes - key.len() - 1));
    let exact: Vec<_> = (0..4).map(|i| member(&format!("k{i}"), 127)).collect();
    let exact = format!("{},", exact.join(","));
    assert_eq!(exact.len(), MAX_BYTES);
    assert_eq!(parse(&exact).unwrap().as_str(), exact);
    let one_more = format!("{exact}x=1");
    assert_eq!(
        parse(&one_more).unwrap().as_str(),
        exact.trim_end_matches(',')
    );
    let large = format!(
        "{},{},{}",
        member("a", 100),
        member("b", 129),
        member("c", 250)
    );
    let large = format!("{large},{},{}", member("d", 100), member("e", 100));
    let kept = parse(&large).unwrap();
    assert_eq!(
        kept.as_str(),
        format!(
            "{},{},{},{}",
            member("a", 100),
            member("b", 129),
            member("d", 100),
            member("e", 100)
        )
    );
    let many: Vec<_> = (0..8).map(|i| member(&format!("k{i}"), 100)).collect();
    assert_eq!(
        parse(&many.join(",")).unwrap().as_str(),
        many[..5].join(",")
    );
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        if let Ok(state) = parse(&text) {
            prop_assert!(state.as_str().len() <= MAX_BYTES);
            prop_assert!(!state.as_str().contains(['\r', '\n']));
        }
    }

    #[test]
    fn what_is_kept_is_valid_and_bounded(
        members in proptest::collection::btree_map("[a-z0-9][a-z0-9_@*/-]{0,40}", "[ -+.-<>-~]{0,250}[!-+.-<>-~]", 0..40),
    ) {
        let text = members.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
        let state = parse(&text);
        prop_assert_eq!(state.is_ok(), members.len() <= MAX_MEMBERS);
        if let Ok(state) = state {
            prop_assert!(state.as_str().len() <= MAX_BYTES);
            prop_assert_eq!(parse(state.as_str()), Ok(state.clone()));
            if text.len() <= MAX_BYTES {
                prop_assert_eq!(state.as_str(), text);
            }
        }
    }
}
