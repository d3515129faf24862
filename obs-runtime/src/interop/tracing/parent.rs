//! Spans of `tracing` as values of `parent = …` and `links = …` in the macros.
//!
//! A span has a context if the layer of obs takes it in. One that nobody takes in is none, as it is
//! to `tracing`.

use ::tracing::span::EnteredSpan;
use ::tracing::{Dispatch, Id, Span, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan as _, SpanData as _};

use super::span::SpanData;
use crate::trace::SpanContext;
use crate::trace::propagation::IntoParent;
use crate::trace::propagation::links::Links;

/// Returns the context inside a span of a subscriber.
fn context_of(id: &Id, dispatch: &Dispatch) -> Option<SpanContext> {
    let span = dispatch.downcast_ref::<Registry>()?.span_data(id)?;
    let extensions = span.extensions();
    extensions.get::<SpanData>()?.context()
}

impl IntoParent for Span {
    fn parent(&self) -> Option<SpanContext> {
        self.with_subscriber(|(id, dispatch)| context_of(id, dispatch))
            .flatten()
    }
}

impl IntoParent for EnteredSpan {
    fn parent(&self) -> Option<SpanContext> {
        Span::parent(self)
    }
}

/// The id is one of the subscriber that is the default here.
impl IntoParent for Id {
    fn parent(&self) -> Option<SpanContext> {
        dispatcher::get_default(|dispatch| context_of(self, dispatch))
    }
}

macro_rules! links {
    ($($theirs:ty),*) => {
        $(impl Links for $theirs {
            fn each(&self, add: &mut dyn FnMut(SpanContext)) {
                self.parent().each(add);
            }
        })*
    };
}

links!(Span, EnteredSpan, Id);
