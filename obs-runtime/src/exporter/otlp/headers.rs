//! Headers of requests: no name twice, and nothing that HTTP cannot carry.

use crate::Error;

/// Sets a header; the last value of a name wins, whatever its case.
pub(super) fn set_header(headers: &mut Vec<(String, String)>, name: String, value: String) {
    match headers
        .iter_mut()
        .find(|(n, _)| n.eq_ignore_ascii_case(&name))
    {
        Some(header) => header.1 = value,
        None => headers.push((name, value)),
    }
}

/// Checks a header without naming its value, which may be a secret.
pub(super) fn check_header((name, value): &(String, String)) -> Result<(), Error> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::config(format!(
            "OTLP header {name:?}: expected a name of letters, digits and `-`, such as `api-key`"
        )));
    }
    if !value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Err(Error::config(format!(
            "the value of OTLP header `{name}` has a character that HTTP headers cannot carry: \
             expected visible ASCII"
        )));
    }
    let own = [
        "content-type",
        "content-length",
        "content-encoding",
        "host",
        "te",
    ];
    if own.iter().any(|own| name.eq_ignore_ascii_case(own)) || name.starts_with("grpc-") {
        return Err(Error::config(format!(
            "OTLP header `{name}` is set by the exporter itself: remove it"
        )));
    }
    Ok(())
}
