//! What the examples run on, so that they need no account, no server and no `curl`.

pub mod provider;
pub mod text;

/// Creates an HTTP client for this machine, where a proxy of the environment has no business.
///
/// # Panics
/// When the client cannot be built.
pub fn loopback_client() -> reqwest::Client {
    // Fails when it was chosen before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client without options")
}

/// Fetches a page of this machine, as `curl` does.
///
/// # Errors
/// When the page cannot be fetched.
pub async fn get(url: &str) -> reqwest::Result<String> {
    loopback_client().get(url).send().await?.text().await
}
