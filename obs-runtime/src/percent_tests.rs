use super::*;

#[test]
fn strict_decoding_refuses_what_is_not_encoded_well() {
    assert_eq!(decode("a%2Cb%c3%a9"), Some("a,b\u{e9}".to_owned()));
    assert_eq!(decode("plain"), Some("plain".to_owned()));
    for bad in ["%", "%4", "%zz", "%+f", "%ff", "a%2"] {
        assert_eq!(decode(bad), None, "{bad}");
    }
}

#[test]
fn lossy_decoding_takes_everything() {
    for (text, decoded) in [
        ("plain", "plain"),
        ("a%2Cb", "a,b"),
        ("100%", "100%"),
        ("%4z%20", "%4z "),
        ("%ff", "\u{fffd}"),
    ] {
        assert_eq!(decode_lossy(text), decoded);
    }
}

#[test]
fn what_is_encoded_is_decoded_again() {
    for value in ["", "a b=c%\"\\", "gr\u{f6}\u{df}e,;", "\u{0}\u{7f}"] {
        let mut out = String::new();
        encode(value, &mut out);
        assert_eq!(out.len(), encoded_len(value));
        assert!(out.bytes().all(|b| b.is_ascii_graphic()), "{out}");
        assert_eq!(decode(&out).as_deref(), Some(value));
    }
}
