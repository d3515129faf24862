//! Reads environment variables: a value that cannot be used is left out and said, the others are used.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::Error;
use crate::shown_url::shown_value;

/// Returns the value of a variable.
type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// Where variables are read, and what is wrong with those that were.
pub(crate) struct Vars<'a> {
    var: Box<Lookup<'a>>,
    /// One sentence for each value that could not be used.
    pub(crate) problems: Vec<String>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(var: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self {
            var: Box::new(var),
            problems: Vec::new(),
        }
    }

    /// Reads the environment of the process.
    pub(crate) fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Reads nothing: for a scope that the environment is not meant for, such as a test's.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn none() -> Self {
        Self::new(|_| None)
    }

    /// Reads a list.
    #[cfg(test)]
    pub(crate) fn of_list(set: &'a [(&str, &str)]) -> Self {
        Self::new(|name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.into())
        })
    }

    /// The text of a variable. An empty one counts as not set (specification, "Environment Variable
    /// Specification", "Parsing empty value").
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let Ok(value) = (self.var)(name)?.into_string() else {
            self.note(format!("{name}: expected UTF-8 text; it is left out"));
            return None;
        };
        Some(value.trim().to_owned()).filter(|v| !v.is_empty())
    }

    /// The value of a variable, of the type that is asked for.
    pub(crate) fn get<T: Value>(&mut self, name: &str) -> Option<T> {
        self.parsed(name, T::EXPECTED, T::parse)
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

    /// Notes that a value is not used.
    pub(crate) fn bad(&mut self, name: &str, value: &str, expected: &str) {
        let value = shown_value(value);
        self.note(format!(
            "{name}={value}: expected {expected}; it is left out"
        ));
    }

    /// Notes a sentence on a value that is not used; several readers of one variable say it once.
    pub(crate) fn note(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Returns a value that could be made, or notes why it could not.
    pub(crate) fn ok_or_note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|e| self.note(e.to_string())).ok()
    }
}

/// What a variable of its own kind can say.
pub(crate) trait Value: Sized {
    /// Completes "expected …".
    const EXPECTED: &str;

    fn parse(text: &str) -> Option<Self>;
}

/// `true` or `false`, whatever the case.
impl Value for bool {
    const EXPECTED: &str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.to_ascii_lowercase().parse().ok()
    }
}

/// A number of milliseconds above 0.
impl Value for Duration {
    const EXPECTED: &str = "a whole number of milliseconds above 0, such as 10000";

    fn parse(text: &str) -> Option<Self> {
        let ms: u64 = text.parse().ok().filter(|ms| *ms > 0)?;
        Some(Self::from_millis(ms))
    }
}

/// How many of something there may be, which is none too.
impl Value for u32 {
    const EXPECTED: &str = "a whole number from 0 to 4294967295";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A number of something, at least one.
impl Value for NonZeroUsize {
    const EXPECTED: &str = "a whole number above 0, such as 512";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

#[cfg(test)]
#[path = "vars_tests.rs"]
mod tests;
