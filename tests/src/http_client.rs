//! A client for HTTP that finds no proxy and no surprise.

/// A client of reqwest without proxies.
///
/// In this workspace another crate asks reqwest for a rustls without a provider, so one is chosen first.
///
/// # Panics
/// When the client cannot be built.
#[must_use]
pub fn client() -> reqwest::Client {
    // Fails when it was chosen before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}
