//! `http::HeaderMap` as a carrier: the headers of hyper, axum, tonic and reqwest.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Extractor, Injector, IntoParent, extract};
use crate::trace::SpanContext;

impl Extractor for HeaderMap {
    fn get(&self, key: &str) -> Option<&str> {
        HeaderMap::get(self, key).map(text)
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        HeaderMap::get_all(self, key).iter().map(text).collect()
    }
}

/// Returns a header's text. A value that is not text counts as present but is never valid.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

impl Injector for HeaderMap {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::try_from(value),
        ) {
            self.insert(name, value);
        }
    }

    fn remove(&mut self, key: &str) {
        HeaderMap::remove(self, key);
    }
}

/// Reads the caller from the headers; a new trace begins if they name none.
impl IntoParent for HeaderMap {
    fn parent(&self) -> Option<SpanContext> {
        extract(self).context()
    }
}
