//! Contexts of child processes, in environment variables.
//!
//! The variables are `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, and B3's names in the same manner
//! (OpenTelemetry, "Environment Variables as Context Propagation Carriers").

use std::ffi::OsString;
use std::process::Command;

use super::{BAGGAGE, Extractor, Injector, TRACEPARENT, TRACESTATE, b3};

/// The context variables of this process, read once: a carrier for [`extract`](super::extract).
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: Vec<(&'static str, String)>,
}

impl Environment {
    /// Reads `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, `B3`, and `X_B3_TRACEID` and the like.
    pub fn read() -> Self {
        Self::read_from(|name| std::env::var_os(name))
    }

    fn read_from(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // A value that is not text cannot be a context.
        let value = |key: &'static str| {
            let value = variable(&variable_name(key))?.into_string().ok()?;
            Some((key, value))
        };
        Self {
            values: [TRACEPARENT, TRACESTATE, BAGGAGE, b3::SINGLE]
                .into_iter()
                .chain(b3::MULTI)
                .filter_map(value)
                .collect(),
        }
    }
}

impl Extractor for Environment {
    fn get(&self, key: &str) -> Option<&str> {
        Extractor::get(&self.values, key)
    }
}

/// Sets the child's environment, with names in upper case.
///
/// The child inherits the variables of this process that are not overwritten; `Command::env_remove`
/// keeps them back.
impl Injector for Command {
    fn set(&mut self, key: &str, value: String) {
        self.env(variable_name(key), value);
    }

    fn remove(&mut self, key: &str) {
        self.env_remove(variable_name(key));
    }
}

fn variable_name(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
