//! The ids of runs and workflows.
//!
//! They must be unique over processes and machines, because stores and alerts are keyed by them,
//! and they sort by time so that people find runs.

use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use crate::uuid::uuid;

/// Returns a version 7 UUID (RFC 9562, section 5.7): milliseconds since 1970, then random bits.
pub(crate) fn run_id(now: SystemTime) -> String {
    let millis = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64);
    // Each `RandomState` has other keys, which the operating system seeds.
    let random = || RandomState::new().hash_one(millis);
    uuid(7, millis << 16 | random() & 0xfff, random())
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_time() {
        // The example of RFC 9562, appendix A.6.
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_645_557_742);
        let id = run_id(time);
        assert_eq!(&id[..15], "017f22e2-79b0-7");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_eq!(id.len(), 36);
    }

    #[test]
    fn ids_of_the_same_moment_differ() {
        let now = SystemTime::now();
        let ids: HashSet<_> = (0..1_000).map(|_| run_id(now)).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
