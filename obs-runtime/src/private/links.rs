//! `links = expression`: what gives links, whether it is one, many, or something to go through.

use core::cell::Cell;

use super::probe::below;
use crate::trace::local::local;
use crate::trace::propagation::links::Links;
use crate::trace::{SpanContext, current};

/// Holds the value of the expression. Its value stays, but for what is gone through.
pub struct LinksProbe<T>(EachProbe<T>);

/// The tier of what is gone through, and gives links one after another.
pub struct EachProbe<T>(TheirProbe<T>);

/// The tier of what is gone through, and gives what names spans of `tracing`.
pub struct TheirProbe<T>(AnyLinks<T>);

/// The last tier: any type.
pub struct AnyLinks<T>(Cell<Option<T>>);

below! {
    LinksProbe<T> => EachProbe,
    EachProbe<T> => TheirProbe,
    TheirProbe<T> => AnyLinks
}

/// A probe of the value.
#[inline]
pub fn links<T>(value: T) -> LinksProbe<T> {
    LinksProbe(EachProbe(TheirProbe(AnyLinks(Cell::new(Some(value))))))
}

/// The methods are called inside a span that is recorded.
impl<T: Links> LinksProbe<T> {
    pub fn __obs_links(&self) {
        self.add();
    }
}

impl<T> LinksProbe<T> {
    /// Returns what is left of the value, for it to live as long as the call does.
    pub fn __obs_rest(self) -> Option<T> {
        self.0.0.0.0.into_inner()
    }
}

impl<T: IntoIterator> EachProbe<T>
where
    T::Item: Links,
{
    pub fn __obs_links(&self) {
        for links in self.take().into_iter().flatten() {
            links.each(&mut add);
        }
    }
}

#[cfg(feature = "tracing")]
impl<T: IntoIterator> TheirProbe<T>
where
    T::Item: Into<Option<::tracing::Id>>,
{
    pub fn __obs_links(&self) {
        for id in self.take().into_iter().flatten() {
            let id: Option<::tracing::Id> = id.into();
            id.each(&mut add);
        }
    }
}

/// Links the entered span. The span itself is none: it is what `tracing`'s `Span::current()` gives here, where `tracing`
/// evaluates it before the span is entered.
fn add(context: SpanContext) {
    if local().span.get() != context.span_id.0 {
        current::add_link(context);
    }
}

impl<T> AnyLinks<T> {
    /// Refuses the value, since it is for what gives no links.
    pub fn __obs_links(&self)
    where
        T: Links,
    {
        self.add();
    }

    fn take(&self) -> Option<T> {
        self.0.take()
    }

    fn add(&self)
    where
        T: Links,
    {
        let links = self.take();
        links.each(&mut add);
        self.0.set(links);
    }
}
