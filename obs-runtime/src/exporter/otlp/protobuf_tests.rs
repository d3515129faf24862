use proptest::prelude::*;

use super::*;

#[test]
fn varint_lengths_at_their_edges() {
    for value in [
        0,
        1,
        0x7f,
        0x80,
        0x3fff,
        0x4000,
        u64::from(u32::MAX),
        u64::MAX,
    ] {
        let mut out = Vec::new();
        varint(&mut out, value);
        let mut reference = Vec::new();
        prost::encoding::encode_varint(value, &mut reference);
        assert_eq!(out, reference, "{value}");
        assert_eq!(varint_len(value), reference.len(), "{value}");
    }
}

#[test]
fn a_message_of_any_length_is_written_in_place() {
    for len in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        let fill = |out: &mut Vec<u8>| out.resize(out.len() + len, 7);
        let (mut short, mut long) = (b"before".to_vec(), b"before".to_vec());
        message(&mut short, 2, fill);
        long_message(&mut long, 2, fill);
        for out in [short, long] {
            assert!(out.starts_with(b"before"));
            let fields: Vec<_> = Reader::new(&out[6..]).collect();
            assert!(fields == [Some((2, Field::Bytes(&vec![7; len])))], "{len}");
            assert_eq!(out.len(), 6 + field_len(len));
        }
    }
}

#[test]
fn nested_messages_are_read_back() {
    let mut out = Vec::new();
    message(&mut out, 1, |out| {
        message(out, 2, |out| bytes(out, 3, &[b'x'; 200]));
        uint(out, 20, 300);
        fixed32(out, 16, 1);
    });
    let Some(Some((1, Field::Bytes(inner)))) = Reader::new(&out).next() else {
        panic!("field 1");
    };
    let fields: Vec<_> = Reader::new(inner).map(Option::unwrap).collect();
    assert_eq!(fields[1..], [(20, Field::Varint(300)), (16, Field::Fixed)]);
    let (2, Field::Bytes(text)) = fields[0] else {
        panic!("field 2");
    };
    assert_eq!(
        Reader::new(text).next(),
        Some(Some((3, Field::Bytes(&[b'x'; 200]))))
    );
}

proptest! {
    /// Answers come from strangers: nothing in them may stop the sender.
    #[test]
    fn garbage_ends_and_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let fields = Reader::new(&body).count();
        prop_assert!(fields <= body.len());
    }
}
