use super::*;

fn joined(kinds: &[ErrorKind]) -> Result<(), Error> {
    join(
        kinds
            .iter()
            .map(|kind| Err(Error::new(*kind, format!("{kind:?}")))),
    )
}

// bug: a flush that only took too long was no timeout, though `Error::is_timeout` says so.
#[test]
fn a_flush_that_only_took_too_long_is_a_timeout() {
    let late = joined(&[ErrorKind::Timeout, ErrorKind::Timeout]).unwrap_err();
    assert!(late.is_timeout() && !late.is_export());
    assert_eq!(late.to_string(), "Timeout; Timeout");
    let lost = joined(&[ErrorKind::Timeout, ErrorKind::Export]).unwrap_err();
    assert!(lost.is_export() && !lost.is_timeout());
    assert!(joined(&[]).is_ok());
}
