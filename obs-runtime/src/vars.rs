//! Reads environment variables: a value that cannot be used is left out and said, the others are used.

use std::ffi::OsString;
use std::time::Duration;

/// The variables and what is wrong with them.
pub(crate) struct Vars<'a> {
    var: &'a dyn Fn(&str) -> Option<OsString>,
    /// One sentence for each value that could not be used.
    pub(crate) problems: Vec<String>,
}

impl<'a> Vars<'a> {
    pub(crate) const fn new(var: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self {
            var,
            problems: Vec::new(),
        }
    }

    /// The text of a variable. An empty one counts as not set (specification, "Environment Variable
    /// Specification", "Parsing empty value").
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let Ok(value) = (self.var)(name)?.into_string() else {
            let problem = format!("{name}: expected UTF-8 text; it is left out");
            self.problems.push(problem);
            return None;
        };
        Some(value.trim().to_owned()).filter(|v| !v.is_empty())
    }

    /// What `parse` makes of a variable. `expected` completes "expected …".
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.bad(name, &text, expected);
        }
        parsed
    }

    /// `true` or `false`, whatever the case.
    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "true or false", |text| {
            match &*text.to_ascii_lowercase() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            }
        })
    }

    /// A number of milliseconds above 0.
    pub(crate) fn milliseconds(&mut self, name: &str) -> Option<Duration> {
        let expected = "a whole number of milliseconds above 0, such as 10000";
        self.parsed(name, expected, |text| {
            let ms: u64 = text.parse().ok().filter(|ms| *ms > 0)?;
            Some(Duration::from_millis(ms))
        })
    }

    /// Notes that a value is not used.
    pub(crate) fn bad(&mut self, name: &str, value: &str, expected: &str) {
        self.problems.push(format!(
            "{name}={value}: expected {expected}; it is left out"
        ));
    }
}
