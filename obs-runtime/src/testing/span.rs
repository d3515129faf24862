//! Assertions about one span.
//!
//! [`Captured::assert_span`](super::Captured::assert_span) begins them. A message about a failure
//! shows the whole tree, because the reason is often another span.

use super::captured::shown;
use super::line;
use super::tree::{self, Tree};
use crate::SpanKind;
use crate::trace::{AttributeValue, Outcome, SpanRecord};

/// Assertions about one span. Each returns the same object for the next one.
///
/// Every method but [`record`](Self::record) panics when its assertion does not hold, and shows
/// what was captured instead and the whole tree.
///
/// ```
/// use obs_runtime::{testing, traced};
///
/// #[traced(kind = "client", fields(user.id = id))]
/// fn load(id: u32) {}
///
/// let captured = testing::capture(|| load(3));
/// captured
///     .assert_span("load")
///     .ok()
///     .root()
///     .kind(obs_runtime::SpanKind::Client)
///     .attribute("user.id", 3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SpanAssert<'a> {
    spans: &'a [SpanRecord],
    span: &'a SpanRecord,
}

impl<'a> SpanAssert<'a> {
    pub(super) fn new(spans: &'a [SpanRecord], span: &'a SpanRecord) -> Self {
        Self { spans, span }
    }

    /// Returns the span itself.
    pub fn record(&self) -> &'a SpanRecord {
        self.span
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        panic!("span `{}`: {why}\n\n{}", self.span.name, shown(self.spans))
    }

    #[track_caller]
    fn holds(&self, holds: bool, why: impl FnOnce() -> String) -> &Self {
        if !holds {
            self.fail(&why());
        }
        self
    }

    /// Asserts how the span ended.
    #[track_caller]
    pub fn outcome(&self, expected: Outcome) -> &Self {
        self.holds(self.span.outcome == expected, || {
            let (is, expected) = (tree::outcome(self.span), expected.as_str());
            format!("its outcome is {is}, expected {expected}")
        })
    }

    /// Returns the times of the model call's stream: first chunk, first token, and who waited for whom.
    ///
    /// # Panics
    /// When the span is no call whose stream was followed.
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use obs_runtime::{llm_call, testing};
    ///
    /// #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, token = |chunk| !chunk.is_empty())]
    /// fn ask() -> impl futures_util::Stream<Item = &'static str> {
    ///     stream::iter(["", "It ", "is ", "so."])
    /// }
    ///
    /// let captured = testing::capture(|| futures_util::FutureExt::now_or_never(ask().count()));
    /// let times = captured.assert_span("chat gpt-4o-mini").stream_times();
    /// assert_eq!(times.chunks, 4);
    /// assert!(times.first_token >= times.first_chunk);
    /// ```
    #[cfg(feature = "llm")]
    #[track_caller]
    pub fn stream_times(&self) -> crate::llm::StreamTimes {
        let times = crate::llm::StreamTimes::of(self.span);
        times.unwrap_or_else(|| self.fail("it is no model call whose stream was followed"))
    }

    /// Asserts that the function returned, and no error.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.outcome(Outcome::Ok)
    }

    /// Asserts that the function returned an error.
    #[track_caller]
    pub fn failed(&self) -> &Self {
        self.outcome(Outcome::Error)
    }

    /// Asserts that the function returned an error whose type or message contains `part`.
    #[track_caller]
    pub fn failed_with(&self, part: &str) -> &Self {
        let error = tree::error(self.span);
        self.failed().holds(error.contains(part), || {
            format!("its error is `{error}`, expected `{part}` in it")
        })
    }

    /// Asserts that the function panicked.
    #[track_caller]
    pub fn panicked(&self) -> &Self {
        self.outcome(Outcome::Panicked)
    }

    /// Asserts that the future was dropped before it was ready.
    #[track_caller]
    pub fn cancelled(&self) -> &Self {
        self.outcome(Outcome::Cancelled)
    }

    /// Asserts an attribute and its value; whole numbers of any type compare by their value.
    #[track_caller]
    pub fn attribute(&self, key: &str, expected: impl Into<AttributeValue>) -> &Self {
        let expected = expected.into();
        match self.span.attribute(key) {
            Some(value) if *value == expected => self,
            Some(value) => self.fail(&format!(
                "attribute `{key}` is {}, expected {}",
                line::value(value),
                line::value(&expected)
            )),
            None => self.fail(&format!(
                "there is no attribute `{key}`, expected {}; it has {}",
                line::value(&expected),
                self.keys()
            )),
        }
    }

    /// Asserts that the span has an attribute, whatever its value.
    #[track_caller]
    pub fn with(&self, key: &str) -> &Self {
        self.holds(self.span.attribute(key).is_some(), || {
            format!("there is no attribute `{key}`; it has {}", self.keys())
        })
    }

    /// Asserts that the span has no such attribute, for example that a secret was not recorded.
    #[track_caller]
    pub fn without(&self, key: &str) -> &Self {
        let value = self.span.attribute(key);
        self.holds(value.is_none(), || {
            let value = value.map(line::value).unwrap_or_default();
            format!("attribute `{key}` is {value}, expected none")
        })
    }

    fn keys(&self) -> String {
        let keys: Vec<_> = self
            .span
            .attributes
            .iter()
            .map(|(key, _)| format!("`{key}`"))
            .collect();
        if keys.is_empty() {
            "none".to_owned()
        } else {
            keys.join(", ")
        }
    }

    /// Asserts that the span has an event of this name.
    #[track_caller]
    pub fn event(&self, name: &str) -> &Self {
        self.holds(
            self.span.events.iter().any(|event| event.name == name),
            || {
                let names: Vec<_> = self.span.events.iter().map(|event| &*event.name).collect();
                format!("there is no event `{name}`, the events are {names:?}")
            },
        )
    }

    /// Asserts the kind of the span.
    #[track_caller]
    pub fn kind(&self, expected: SpanKind) -> &Self {
        self.holds(self.span.kind == expected, || {
            let (is, expected) = (self.span.kind.as_str(), expected.as_str());
            format!("its kind is {is}, expected {expected}")
        })
    }

    /// Asserts that the span has no parent.
    #[track_caller]
    pub fn root(&self) -> &Self {
        self.holds(self.span.parent_id.is_none(), || {
            format!("its parent is {}, expected none", self.parent_name())
        })
    }

    /// Asserts that the span's parent is a captured span of this name.
    #[track_caller]
    pub fn parent(&self, name: &str) -> &Self {
        let is = self.parent_span().is_some_and(|parent| parent.name == name);
        self.holds(is, || {
            format!("its parent is {}, expected `{name}`", self.parent_name())
        })
    }

    fn parent_span(&self) -> Option<&'a SpanRecord> {
        let id = self.span.parent_id?;
        self.spans.iter().find(|span| span.span_id == id)
    }

    fn parent_name(&self) -> String {
        match self.parent_span() {
            Some(parent) => format!("`{}`", parent.name),
            None if self.span.parent_id.is_some() => "a span that was not captured".to_owned(),
            None => "none".to_owned(),
        }
    }

    /// Asserts that the children of the span have these names, in the order they began.
    #[track_caller]
    pub fn children<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> &Self {
        let expected: Vec<&str> = names.into_iter().collect();
        let children = Tree::new(self.spans).children_of(self.span);
        let names: Vec<&str> = children.iter().map(|child| &*child.name).collect();
        self.holds(names == expected, || {
            format!("its children are {names:?}, expected {expected:?}")
        })
    }
}
