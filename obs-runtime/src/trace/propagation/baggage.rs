//! Baggage (W3C Baggage): the user's own data beside the trace, sent only where the program says
//! so.
//!
//! [`Baggage`] is a plain value; reading it bounds its size by the W3C's limits, because it comes
//! from outside. `ambient.rs` holds the current one.

use core::fmt;

use super::formats::Formats;
use super::{BAGGAGE, Injector};
use crate::percent;

/// The limits of a header (section 3.3.2).
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// The names and values for other processes: a tenant, a user's region, an experiment.
///
/// It is plain data. Spans do not get it, and no request carries it without [`Baggage::inject`],
/// because everyone on the way can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage {
    members: Vec<Member>,
    /// The bytes of the members as they are sent, each with a comma.
    size: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    key: String,
    value: String,
    /// The properties (`;name=value` and so on), as they came.
    properties: String,
}

impl Member {
    fn size(&self) -> usize {
        self.key.len() + 1 + percent::encoded_len(&self.value) + self.properties.len() + 1
    }
}

/// The error of a member that baggage cannot take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaggageError {
    /// The key is not a token of ASCII letters, digits and ``!#$%&'*+-.^_`|~``.
    Key(String),
    /// The baggage would have more than 64 members.
    Members,
    /// The baggage would be longer than 8192 bytes when it is sent.
    Size,
}

impl fmt::Display for BaggageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(
                f,
                "baggage key {key:?}: expected ASCII letters, digits and !#$%&'*+-.^_`|~"
            ),
            Self::Members => write!(f, "baggage has at most {MAX_MEMBERS} members: remove one"),
            Self::Size => write!(
                f,
                "baggage has at most {MAX_BYTES} bytes when it is sent: shorten a value"
            ),
        }
    }
}

impl core::error::Error for BaggageError {}

impl Baggage {
    /// Creates empty baggage.
    pub const fn new() -> Self {
        Self {
            members: Vec::new(),
            size: 0,
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.members.iter().find(|m| m.key == key);
        found.map(|m| m.value.as_str())
    }

    /// Sets a key, in place of an earlier value. Any text is a valid value.
    ///
    /// # Errors
    /// Fails if the key is not a token, or if the whole would exceed the W3C's limits: 64 members,
    /// 8192 bytes as they are sent. Nothing is changed then.
    pub fn insert(
        &mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), BaggageError> {
        self.put(Member {
            key: key.into(),
            value: value.into(),
            properties: String::new(),
        })
    }

    fn put(&mut self, member: Member) -> Result<(), BaggageError> {
        if !is_token(&member.key) {
            return Err(BaggageError::Key(member.key));
        }
        let at = self.members.iter().position(|m| m.key == member.key);
        if at.is_none() && self.members.len() >= MAX_MEMBERS {
            return Err(BaggageError::Members);
        }
        let freed = at.map_or(0, |at| self.members[at].size());
        let size = self.size - freed + member.size();
        // The last member has no comma.
        if size > MAX_BYTES + 1 {
            return Err(BaggageError::Size);
        }
        self.size = size;
        match at {
            Some(at) => self.members[at] = member,
            None => self.members.push(member),
        }
        Ok(())
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let at = self.members.iter().position(|m| m.key == key)?;
        let member = self.members.remove(at);
        self.size -= member.size();
        Some(member.value)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Iterates over keys and values in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members
            .iter()
            .map(|m| (m.key.as_str(), m.value.as_str()))
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Reads the value of a `baggage` header.
    ///
    /// Members that are not valid, and those beyond the limits, are left out. If a key is there
    /// twice, its last value counts.
    ///
    /// ```
    /// use obs_runtime::propagation::Baggage;
    ///
    /// let baggage = Baggage::from_header("region=eu%20west;ttl=5, broken, tenant=7");
    /// assert_eq!(baggage.get("region"), Some("eu west"));
    /// assert_eq!(baggage.to_header(), "region=eu%20west;ttl=5,tenant=7");
    /// ```
    pub fn from_header(text: &str) -> Self {
        Self::join(&[text])
    }

    /// Reads several headers, which are one list.
    pub(super) fn join(headers: &[&str]) -> Self {
        let mut baggage = Self::new();
        let members = headers.iter().flat_map(|text| text.split(','));
        let mut budget = MAX_BYTES;
        for text in members {
            // No more than the limit is read, whatever is sent here.
            let Some(left) = budget.checked_sub(text.len()) else {
                break;
            };
            budget = left.saturating_sub(1);
            if let Some(member) = member(text) {
                let _ = baggage.put(member);
            }
        }
        baggage
    }

    /// Returns the value for a `baggage` header.
    pub fn to_header(&self) -> String {
        let mut out = String::with_capacity(self.size);
        for member in &self.members {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(&member.key);
            out.push('=');
            percent::encode(&member.value, &mut out);
            out.push_str(&member.properties);
        }
        out
    }

    /// Sends the baggage with an outgoing request.
    ///
    /// Empty baggage removes what an earlier use of the carrier left, and so does
    /// `OTEL_PROPAGATORS` without `baggage`.
    pub fn inject<C: Injector + ?Sized>(&self, carrier: &mut C) {
        if self.is_empty() || !Formats::chosen().has(Formats::BAGGAGE) {
            carrier.remove(BAGGAGE);
        } else {
            carrier.set(BAGGAGE, self.to_header());
        }
    }
}

fn member(text: &str) -> Option<Member> {
    let (pair, properties) = match text.find(';') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (key, value) = pair.split_once('=')?;
    let properties = properties.trim_matches([' ', '\t']);
    let printable = |b: u8| matches!(b, 0x20..=0x7e | b'\t');
    // Properties are sent on as they came, so they must be fit for a header.
    properties.bytes().all(printable).then(|| Member {
        key: key.trim_matches([' ', '\t']).to_owned(),
        value: percent::decode_lossy(value.trim_matches([' ', '\t'])).into_owned(),
        properties: properties.to_owned(),
    })
}

/// Returns whether the key is a token (RFC 7230, section 3.2.6).
fn is_token(key: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !key.is_empty() && key.bytes().all(allowed)
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_header())
    }
}

#[cfg(test)]
#[path = "baggage_tests.rs"]
mod tests;
