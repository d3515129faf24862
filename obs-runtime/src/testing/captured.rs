//! The result of a capture, and the assertions and queries that begin with it.
//!
//! Everything here works on owned records after the capture has ended. A message about a failure
//! ends with the captured tree, so that a test's log shows what happened instead.

use std::collections::BTreeSet;

use super::expect;
use super::metric::MetricAssert;
use super::span::SpanAssert;
use super::tree::Tree;
use crate::logs::LogRecord;
use crate::metrics::MetricFamily;
use crate::trace::SpanRecord;

/// Everything that was recorded during a capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured<R> {
    /// The value that the code returned.
    pub value: R,
    /// The spans, in the order they ended.
    pub spans: Vec<SpanRecord>,
    /// The metrics of functions and instruments.
    pub metrics: Vec<MetricFamily>,
    /// The log records by time: events of `tracing`, and the errors of spans.
    pub logs: Vec<LogRecord>,
    /// The model calls in the order they ended, with their attempts, usage and cost.
    #[cfg(feature = "llm")]
    pub llm_calls: Vec<crate::llm::CallRecord>,
    /// The alerts that handlers and rules sent, in that order.
    ///
    /// It is empty if [`capture_with`](super::capture_with) got a builder with an `AlertManager` of
    /// its own.
    #[cfg(feature = "alert")]
    pub alerts: Vec<crate::alert::Alert>,
}

impl<R> Captured<R> {
    /// Returns the only span of the given name.
    ///
    /// # Panics
    /// Panics when there is none, or more than one; the message shows what was recorded.
    #[track_caller]
    pub fn span(&self, name: &str) -> &SpanRecord {
        only(&self.spans, name)
    }

    /// Returns the spans of the given name in the order they ended; there may be none.
    ///
    /// ```
    /// use obs_runtime::{testing, traced};
    ///
    /// #[traced]
    /// fn step() {}
    ///
    /// let captured = testing::capture(|| (0..3).for_each(|_| step()));
    /// assert_eq!(captured.spans_named("step").count(), 3);
    /// ```
    pub fn spans_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a SpanRecord> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// Returns the spans whose parent is the given one, in the order they began.
    pub fn children<'a>(&'a self, parent: &SpanRecord) -> Vec<&'a SpanRecord> {
        Tree::new(&self.spans).children_of(parent)
    }

    /// Returns the captured spans as text, in the order they began.
    ///
    /// A child is on a line below its parent, two columns further right. A line has the name, the
    /// outcome unless it is ok, and the attributes; below it is a line `- name` for each event and
    /// `> name` for each link. Ids, times and durations are left out, so that the same code gives
    /// the same text. Of what is deeper than 1,000 levels there is a line `…`.
    ///
    /// ```
    /// use obs_runtime::{testing, traced};
    ///
    /// #[traced(fields(n))]
    /// fn half(n: u32) -> Result<u32, String> {
    ///     if n % 2 == 0 { Ok(n / 2) } else { Err("odd".into()) }
    /// }
    ///
    /// let captured = testing::capture(|| half(3));
    /// assert_eq!(captured.tree(), "half [error: alloc::string::String: odd] n=3\n");
    /// ```
    pub fn tree(&self) -> String {
        Tree::new(&self.spans).to_string()
    }

    /// Asserts that the captured spans are those of the tree, siblings in the order they began.
    ///
    /// A line is a span; a line further right than the one above it is its child. After the name
    /// may follow
    /// - the outcome: `[error]`, `[error: part of the type or message]`, `[panicked]` or
    ///   `[cancelled]`; without it the span must be ok,
    /// - attributes that the span must have: `key=value`, with the value in quotes if it has
    ///   spaces, or `key=*` for any value. Its other attributes do not matter.
    ///
    /// A line `- name key=value` below a span is an event that the span must have, `> name` a link
    /// to another span. They must come in this order; other events and links do not matter. `…` or
    /// `...` stands for any number of further siblings. A name that would be read as more than a
    /// name is written in quotes. Empty lines do not matter. A tree without lines means no spans.
    ///
    /// ```
    /// use obs_runtime::{testing, traced};
    ///
    /// #[traced]
    /// fn load() {
    ///     step(1);
    ///     step(2);
    /// }
    ///
    /// #[traced(fields(n))]
    /// fn step(n: u32) {}
    ///
    /// let captured = testing::capture(load);
    /// captured.assert_tree(
    ///     "
    ///     load
    ///       step n=1
    ///       step n=2
    ///     ",
    /// );
    /// ```
    ///
    /// # Panics
    /// Panics when the spans differ or the expected tree cannot be read; the message shows both
    /// trees.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        expect::check(&self.spans, expected, expect::Order::AsBegun);
    }

    /// Asserts the same as [`assert_tree`](Self::assert_tree), with siblings in any order.
    ///
    /// It is for code that runs concurrently.
    ///
    /// # Panics
    /// Panics as [`assert_tree`](Self::assert_tree) does.
    #[track_caller]
    pub fn assert_tree_in_any_order(&self, expected: &str) {
        expect::check(&self.spans, expected, expect::Order::Any);
    }

    /// Begins assertions about the only span of a name.
    ///
    /// # Panics
    /// Panics when there is none, or more than one; the message shows what was recorded.
    #[track_caller]
    pub fn assert_span(&self, name: &str) -> SpanAssert<'_> {
        SpanAssert::new(&self.spans, only(&self.spans, name))
    }

    /// Begins assertions about a metric, by its OpenTelemetry name.
    ///
    /// # Panics
    /// Panics when there is none of that name; the message lists the names.
    #[track_caller]
    pub fn assert_metric(&self, name: &str) -> MetricAssert<'_> {
        MetricAssert::new(&self.metrics, name)
    }
}

#[track_caller]
fn only<'a>(spans: &'a [SpanRecord], name: &str) -> &'a SpanRecord {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.count()) {
        (Some(span), 0) => span,
        (None, _) => {
            let names: BTreeSet<&str> = spans.iter().map(|span| &*span.name).collect();
            panic!(
                "there is no span `{name}`, the names are {names:?}\n{}",
                shown(spans)
            )
        }
        (Some(_), more) => panic!(
            "expected one span `{name}`, there are {}: ask for them with `spans_named`\n{}",
            more + 1,
            shown(spans)
        ),
    }
}

/// Returns the captured tree, as messages about failures end with it.
pub(super) fn shown(spans: &[SpanRecord]) -> String {
    if spans.is_empty() {
        return "captured: no span\n".to_owned();
    }
    let tree = Tree::new(spans).to_string();
    format!("captured:\n{}", indented(&tree))
}

/// Indents each line by four columns.
pub(super) fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        out.push_str("    ");
        out.push_str(line);
        out.push('\n');
        out
    })
}
