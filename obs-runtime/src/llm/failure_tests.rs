use super::*;

/// An error of reqwest about a request that nobody could send.
fn unsent() -> ::reqwest::Error {
    // Whatever else is built may leave the choice of the cryptography to the program.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = ::reqwest::Client::new().get("no URL").build();
    request.expect_err("it has no host")
}

#[test]
fn a_request_that_cannot_be_written_is_not_sent() {
    let error = unsent();
    let expected = Failure {
        unsent: true,
        ..Failure::default()
    };
    assert_eq!(Failure::of(&error), expected);
    let wrapped = ::reqwest_middleware::Error::Reqwest(error);
    assert_eq!(Failure::of(&wrapped), expected);
}
