//! Certificates of receivers that the public roots do not know, and of this program for receivers
//! that ask for one. Without files the roots of Mozilla's programme apply.

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};

use crate::Error;

/// A file in PEM form, and the variable that names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GivenFile {
    pub(super) path: String,
    pub(super) origin: &'static str,
}

/// The files that configure TLS.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TlsFiles {
    pub(super) certificate: Option<GivenFile>,
    pub(super) client_certificate: Option<GivenFile>,
    pub(super) client_key: Option<GivenFile>,
}

/// The contents of the files, which hold what they should.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// PEM text of the authorities that are trusted instead of the public ones.
    roots: Option<Vec<u8>>,
    /// PEM text of the own certificate chain and of its key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsFiles {
    /// What is set here, and otherwise what is set in `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            certificate: self.certificate.or(other.certificate),
            client_certificate: self.client_certificate.or(other.client_certificate),
            client_key: self.client_key.or(other.client_key),
        }
    }

    /// Without what `over` sets.
    pub(super) fn unless_in(self, over: &Self) -> Self {
        Self {
            certificate: self.certificate.filter(|_| over.certificate.is_none()),
            client_certificate: self
                .client_certificate
                .filter(|_| over.client_certificate.is_none()),
            client_key: self.client_key.filter(|_| over.client_key.is_none()),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub(super) fn load(&self) -> Result<Tls, Error> {
        let roots = self
            .certificate
            .as_ref()
            .map(|file| file.read(is_certificate, "certificates"))
            .transpose()?;
        let identity = match (&self.client_certificate, &self.client_key) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some((
                chain.read(is_certificate, "certificates")?,
                key.read(is_key, "a private key")?,
            )),
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
}

impl GivenFile {
    pub(super) fn new(path: impl Into<String>, origin: &'static str) -> Self {
        Self {
            path: path.into(),
            origin,
        }
    }

    fn read(&self, wanted: fn(&PemItem<'_>) -> bool, what: &str) -> Result<Vec<u8>, Error> {
        let Self { path, origin } = self;
        let text = std::fs::read(path).map_err(|e| {
            Error::config(format!(
                "{origin} names the file {path:?}, which cannot be read: {e}"
            ))
        })?;
        let is_usable = ureq::tls::parse_pem(&text).any(|item| item.is_ok_and(|i| wanted(&i)));
        if is_usable {
            return Ok(text);
        }
        Err(Error::config(format!(
            "{origin} names the file {path:?}: expected {what} in PEM form (-----BEGIN …)"
        )))
    }
}

fn is_certificate(item: &PemItem<'_>) -> bool {
    matches!(item, PemItem::Certificate(_))
}

fn is_key(item: &PemItem<'_>) -> bool {
    matches!(item, PemItem::PrivateKey(_))
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    ureq::tls::parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect()
}

fn key(pem: &[u8]) -> Option<PrivateKey<'static>> {
    ureq::tls::parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    })
}

impl Tls {
    /// For HTTP.
    pub(super) fn for_ureq(&self) -> TlsConfig {
        let roots = match &self.roots {
            Some(pem) => RootCerts::new_with_certs(&certificates(pem)),
            None => RootCerts::WebPki,
        };
        let identity = self.identity.as_ref().and_then(|(chain, pem)| {
            Some(ClientCert::new_with_certs(&certificates(chain), key(pem)?))
        });
        TlsConfig::builder()
            .root_certs(roots)
            .client_cert(identity)
            .build()
    }

    /// For gRPC.
    #[cfg(feature = "otlp-grpc")]
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
