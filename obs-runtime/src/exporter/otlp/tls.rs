//! Certificates of receivers that the public roots do not know, and of this program for receivers
//! that ask for one. Without files the roots of Mozilla's programme apply.

use std::borrow::Cow;

#[cfg(feature = "tls")]
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts};

use crate::Error;
use crate::exporter::http_client::Certificates;

/// A file in PEM form, and the variable that names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GivenFile {
    pub(super) path: String,
    pub(super) origin: Cow<'static, str>,
}

/// The files that configure TLS.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TlsFiles {
    pub(super) certificate: Option<GivenFile>,
    pub(super) client_certificate: Option<GivenFile>,
    pub(super) client_key: Option<GivenFile>,
}

/// The contents of the files, which hold what they should; nothing where TLS is not built in.
#[derive(Clone, Default)]
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "no connection uses them")
)]
pub(crate) struct Tls {
    /// PEM text of the authorities that are trusted instead of the public ones.
    roots: Option<Vec<u8>>,
    /// PEM text of the own certificate chain and of its key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsFiles {
    /// Takes from `other` what is not set here.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            certificate: self.certificate.or(other.certificate),
            client_certificate: self.client_certificate.or(other.client_certificate),
            client_key: self.client_key.or(other.client_key),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    #[cfg(feature = "tls")]
    pub(super) fn load(&self) -> Result<Tls, Error> {
        let chain =
            |file: &GivenFile| file.read(|pem| !certificates(pem).is_empty(), "certificates");
        let roots = self.certificate.as_ref().map(chain).transpose()?;
        let identity = match (&self.client_certificate, &self.client_key) {
            (None, None) => None,
            (Some(own), Some(file)) => {
                let key = file.read(|pem| key(pem).is_some(), "a private key");
                Some((chain(own)?, key?))
            }
            (Some(given), None) | (None, Some(given)) => {
                return Err(Error::config(format!(
                    "{} is set alone: a client certificate and its key are needed together \
                     (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY)",
                    given.origin
                )));
            }
        };
        Ok(Tls { roots, identity })
    }

    /// Returns nothing: there is no connection that could use the files.
    #[cfg(not(feature = "tls"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "its twin reads files"
    )]
    pub(super) fn load(&self) -> Result<Tls, Error> {
        Ok(Tls::default())
    }
}

impl GivenFile {
    pub(super) fn new(path: impl Into<String>, origin: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.into(),
            origin: origin.into(),
        }
    }

    #[cfg(feature = "tls")]
    fn read(&self, is_usable: fn(&[u8]) -> bool, what: &str) -> Result<Vec<u8>, Error> {
        let Self { path, origin } = self;
        let text = std::fs::read(path).map_err(|e| {
            Error::config(format!(
                "{origin} names the file {path:?}, which cannot be read: {e}"
            ))
        })?;
        if is_usable(&text) {
            return Ok(text);
        }
        Err(Error::config(format!(
            "{origin} names the file {path:?}: expected {what} in PEM form (-----BEGIN …)"
        )))
    }
}

#[cfg(feature = "tls")]
fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    ureq::tls::parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect()
}

#[cfg(feature = "tls")]
fn key(pem: &[u8]) -> Option<PrivateKey<'static>> {
    ureq::tls::parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    })
}

impl Tls {
    /// Returns what the client of HTTP needs.
    #[cfg(feature = "tls")]
    pub(super) fn for_ureq(&self) -> Certificates {
        let roots = match &self.roots {
            Some(pem) => RootCerts::new_with_certs(&certificates(pem)),
            None => RootCerts::WebPki,
        };
        let identity = self.identity.as_ref().and_then(|(chain, pem)| {
            Some(ClientCert::new_with_certs(&certificates(chain), key(pem)?))
        });
        Certificates::builder()
            .root_certs(roots)
            .client_cert(identity)
            .build()
    }

    /// Returns what the client of HTTP needs without TLS: nothing.
    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "its twin uses the files")]
    pub(super) fn for_ureq(&self) -> Certificates {
        Certificates
    }

    /// Returns what the client of gRPC needs.
    #[cfg(all(feature = "otlp-grpc", feature = "tls"))]
    pub(super) fn for_tonic(&self) -> tonic::transport::ClientTlsConfig {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};
        let mut tls = match &self.roots {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_enabled_roots(),
        };
        if let Some((chain, key)) = &self.identity {
            tls = tls.identity(Identity::from_pem(chain, key));
        }
        tls
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
