//! The key by which the receiver of an effect knows that it is asked for again.

use core::fmt;

use crate::pipeline::TaskContext;
use crate::uuid::uuid;

/// A key for the effect of a task, as a parameter `&EffectKey`: the receiver of a request (as the
/// header `Idempotency-Key`, for example) knows by it that the request is made again.
///
/// It is the same for all attempts of a task, or of one item of a mapped task, in one run, and
/// another for each other task, item and run. It is a UUID (version 8, RFC 9562), so it is fit for a
/// header, and it tells nothing of the task.
///
/// ```
/// use obs_runtime::pipeline::EffectKey;
///
/// // A test calls the task like any other function.
/// fn pay(order: &str, key: &EffectKey) -> String {
///     format!("POST /payments/{order}, Idempotency-Key: {key}")
/// }
/// let key = EffectKey::from("test");
/// assert_eq!(pay("7", &key), "POST /payments/7, Idempotency-Key: test");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EffectKey(String);

impl EffectKey {
    /// Returns the key of a run's task, or of one of its items.
    pub(crate) fn of(run_id: &str, task: &str, item: Option<usize>) -> Self {
        let mut hash = Fnv::new();
        hash.text(run_id);
        hash.text(task);
        if let Some(item) = item {
            hash.text(&item.to_string());
        }
        Self(uuid(8, (hash.0 >> 64) as u64, hash.0 as u64))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for EffectKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for EffectKey {
    /// Makes a key of a text, so that a test can call a task like any other function.
    fn from(key: T) -> Self {
        Self(key.into())
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TaskContext {
    /// Returns the key of this task's effect, the same in each of its attempts.
    pub fn effect_key(&self) -> EffectKey {
        EffectKey::of(self.run_id(), self.task(), self.item())
    }
}

/// FNV-1a, 128 bits: the same in every build, as `std`'s hash is not.
struct Fnv(u128);

impl Fnv {
    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn text(&mut self, text: &str) {
        // The end of each text counts, so that "a", "1" is not "a1".
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
#[path = "effect_key_tests.rs"]
mod tests;
