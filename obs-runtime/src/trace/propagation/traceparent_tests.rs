use proptest::prelude::*;

use super::*;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn wrong(text: &str) -> Wrong {
    SpanContext::from_traceparent(text).unwrap_err().wrong
}

#[test]
fn a_valid_one_is_accepted() {
    let context = SpanContext::from_traceparent(VALID).unwrap();
    assert_eq!(
        context.trace_id().to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
    assert!(context.is_sampled() && context.is_remote());
    assert_eq!(context.to_traceparent(), VALID);
}

#[test]
fn each_part_is_checked() {
    let with = |from: &str, to: &str| VALID.replace(from, to);
    for (text, expected) in [
        (String::new(), Wrong::Length),
        ("00".to_owned(), Wrong::Length),
        (VALID[..54].to_owned(), Wrong::Length),
        (format!("{VALID}-"), Wrong::Length),
        (format!("{VALID}-extra"), Wrong::Length),
        (format!("{VALID} "), Wrong::Length),
        (format!(" {VALID}"), Wrong::Separator),
        (with("-01", "_01"), Wrong::Separator),
        (with("00-4b", "ff-4b"), Wrong::Version),
        (with("00-4b", "0G-4b"), Wrong::Version),
        (with("00-4b", "CC-4b"), Wrong::Version),
        (with("4bf9", "4BF9"), Wrong::TraceId),
        (with("4bf9", "4bg9"), Wrong::TraceId),
        (with("4bf9", "+bf9"), Wrong::TraceId),
        (
            with("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            Wrong::TraceId,
        ),
        (with("00f0", "00F0"), Wrong::SpanId),
        (with("00f067aa0ba902b7", &"0".repeat(16)), Wrong::SpanId),
        (with("-01", "-0A"), Wrong::Flags),
        (with("-01", "-.1"), Wrong::Flags),
        (with("-01", "-+1"), Wrong::Flags),
    ] {
        assert_eq!(wrong(&text), expected, "{text:?}");
    }
}

#[test]
fn the_error_says_what_was_expected() {
    let error = SpanContext::from_traceparent("00-zz").unwrap_err();
    assert!(error.to_string().contains("55 characters"), "{error}");
}

#[test]
fn flags_are_kept_and_unknown_ones_are_not_sent() {
    for (flags, sent) in [("00", "00"), ("02", "02"), ("03", "03"), ("ff", "03")] {
        let text = format!("{}{flags}", &VALID[..53]);
        let context = SpanContext::from_traceparent(&text).unwrap();
        assert_eq!(
            context.to_traceparent(),
            format!("{}{sent}", &VALID[..53]),
            "{text}"
        );
        assert_eq!(
            context.trace_flags().bits(),
            u8::from_str_radix(flags, 16).unwrap()
        );
    }
}

#[test]
fn later_versions_are_read_as_far_as_this_one_goes() {
    let later = VALID.replacen("00", "cc", 1);
    for text in [
        later.clone(),
        format!("{later}-"),
        format!("{later}-what-the-future-will-be-like"),
    ] {
        let context = SpanContext::from_traceparent(&text).unwrap();
        assert_eq!(context.to_traceparent(), VALID, "{text}");
    }
    assert_eq!(wrong(&format!("{later}.what")), Wrong::Separator);
    assert_eq!(wrong(&later[..54]), Wrong::Length);
    // Bits that this version does not know are another version's.
    let flags = SpanContext::from_traceparent(&later.replace("-01", "-f9")).unwrap();
    assert_eq!(flags.trace_flags().bits(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = SpanContext::from_traceparent(&text);
    }

    /// Characters of several bytes where the separators and digits should be.
    #[test]
    fn nearly_valid_text_is_read_without_a_panic(at in 0..55_usize, put in any::<char>()) {
        let text: String = VALID.chars().enumerate().map(|(i, c)| if i == at { put } else { c }).collect();
        if let Ok(context) = SpanContext::from_traceparent(&text) {
            prop_assert!(context.trace_id().is_valid() && context.span_id().is_valid());
            prop_assert!(put.is_ascii());
        }
    }

    #[test]
    fn what_is_written_is_read_again(trace in 1..=u128::MAX, span in 1..=u64::MAX, flags in 0..4_u8) {
        let context = SpanContext::remote(
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes(span.to_be_bytes()),
            TraceFlags::from_bits(flags),
        ).unwrap();
        prop_assert_eq!(SpanContext::from_traceparent(&context.to_traceparent()), Ok(context));
    }
}
