//! The list of hosts that baggage is sent to: names, and patterns such as `*.internal`.
//!
//! Baggage may hold what only the program's own services should see, so a name that is not
//! understood is left out and reported once, and never matches more than it says.

use crate::self_log;

/// Host names and patterns, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    exact: Vec<String>,
    /// The ends that patterns match, with the dot before them.
    below: Vec<String>,
}

impl Hosts {
    pub(super) fn add(&mut self, hosts: impl Iterator<Item = String>) {
        for host in hosts {
            let host = host.to_ascii_lowercase();
            // An IPv6 address is in brackets, as in a URL.
            let plain = if host.starts_with('[') { "" } else { &host };
            if host.is_empty() || plain.contains(['/', ':', '@']) {
                self_log::once(format!(
                    "baggage_to({host:?}): expected the name of a host without scheme and port, such as api.internal or \
                     *.internal; it is left out"
                ));
                continue;
            }
            match host.strip_prefix('*') {
                Some(below) if below.starts_with('.') => self.below.push(below.to_owned()),
                _ => self.exact.push(host),
            }
        }
    }

    pub(super) fn contains(&self, host: &str) -> bool {
        // A URL's host is in lower case; a name with a dot at its end is the same name.
        let host = host.strip_suffix('.').unwrap_or(host);
        self.exact.iter().any(|exact| exact == host)
            || self
                .below
                .iter()
                .any(|b| host.len() > b.len() && host.ends_with(&**b))
    }
}
