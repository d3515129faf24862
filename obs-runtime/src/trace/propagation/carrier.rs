//! Carriers: anything with names and values that a context travels in.

use core::hash::BuildHasher;
use std::collections::HashMap;

/// Reads from a carrier, such as the headers of a request.
///
/// It is implemented for maps and lists of pairs, for [`Environment`](super::Environment), and for
/// `http::HeaderMap` (feature `http-headers`). Names of HTTP headers ignore case, so an
/// implementation for them must find `Traceparent` too.
pub trait Extractor {
    /// Returns the value of a name, which is given in lower case; the first if there are several.
    fn get(&self, key: &str) -> Option<&str>;

    /// Returns every value of the name in order, since a list may be spread over several headers.
    fn get_all(&self, key: &str) -> Vec<&str> {
        self.get(key).into_iter().collect()
    }
}

/// Writes to a carrier, such as the headers of an outgoing request.
///
/// ```
/// use obs_runtime::propagation::Injector;
///
/// /// The headers of a client that has a type of its own for them.
/// struct Metadata(Vec<(String, String)>);
///
/// impl Injector for Metadata {
///     fn set(&mut self, key: &str, value: String) {
///         self.remove(key);
///         self.0.push((key.to_owned(), value));
///     }
///
///     fn remove(&mut self, key: &str) {
///         self.0.retain(|(k, _)| !k.eq_ignore_ascii_case(key));
///     }
/// }
/// ```
pub trait Injector {
    /// Sets a name, given in lower case, in place of every earlier value.
    fn set(&mut self, key: &str, value: String);

    /// Removes a name that an earlier use of the carrier set.
    ///
    /// It does nothing by default, which is right where each carrier is used once.
    fn remove(&mut self, key: &str) {
        let _ = key;
    }
}

impl<S: BuildHasher> Extractor for HashMap<String, String, S> {
    fn get(&self, key: &str) -> Option<&str> {
        let found = HashMap::get(self, key).or_else(|| {
            self.iter()
                .find_map(|(k, value)| k.eq_ignore_ascii_case(key).then_some(value))
        });
        found.map(String::as_str)
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        self.iter()
            .filter(|(k, _)| k.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

impl<S: BuildHasher> Injector for HashMap<String, String, S> {
    fn set(&mut self, key: &str, value: String) {
        Injector::remove(self, key);
        self.insert(key.to_owned(), value);
    }

    fn remove(&mut self, key: &str) {
        self.retain(|k, _| !k.eq_ignore_ascii_case(key));
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Extractor for [(K, V)] {
    fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(k, value)| k.as_ref().eq_ignore_ascii_case(key).then(|| value.as_ref()))
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        self.iter()
            .filter(|(k, _)| k.as_ref().eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_ref())
            .collect()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Extractor for Vec<(K, V)> {
    fn get(&self, key: &str) -> Option<&str> {
        Extractor::get(self.as_slice(), key)
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        Extractor::get_all(self.as_slice(), key)
    }
}

impl Injector for Vec<(String, String)> {
    fn set(&mut self, key: &str, value: String) {
        Injector::remove(self, key);
        self.push((key.to_owned(), value));
    }

    fn remove(&mut self, key: &str) {
        self.retain(|(k, _)| !k.eq_ignore_ascii_case(key));
    }
}
