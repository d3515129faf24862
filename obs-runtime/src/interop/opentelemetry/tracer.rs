//! OpenTelemetry's tracer providers and tracers: one pair that records into obs, one that wraps.
//!
//! [`TracerProvider`] is for programs whose spans all go to obs. [`WrappedTracerProvider`] leaves
//! the spans of the other SDK where they are, and only makes both kinds one trace. Making either
//! switches on, for the whole process, that calls look at OpenTelemetry's context (`gate::ask`).

use core::fmt;
use std::borrow::Cow;

use ::opentelemetry::trace::{self as otel, SpanBuilder, TraceContextExt as _};
use ::opentelemetry::{Context, InstrumentationScope};

use super::{Span, library, marker};
use crate::callsite::SpanKind;
use crate::interop::sites::Sites;
use crate::trace::active::Manual;
use crate::trace::context::Origin;
use crate::trace::gate;
use crate::trace::local::local;
use crate::trace::{SpanContext, SpanId, TraceFlags};

/// A tracer provider whose spans obs records, in one trace with its own.
///
/// [`Builder::opentelemetry`](crate::Builder::opentelemetry) sets one globally. It can also be used
/// directly:
///
/// ```
/// use obs_runtime::{interop::opentelemetry::TracerProvider, testing, traced};
/// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
///
/// #[traced]
/// fn handle() {
///     let tracer = TracerProvider::new().tracer("driver");
///     tracer.in_span("query", |_| connect());
/// }
///
/// #[traced]
/// fn connect() {}
///
/// let captured = testing::capture(handle);
/// let query = captured.span("query");
/// assert_eq!(query.parent_id, Some(captured.span("handle").span_id));
/// assert_eq!(captured.span("connect").parent_id, Some(query.span_id));
/// ```
#[derive(Clone, Debug)]
pub struct TracerProvider(());

impl TracerProvider {
    /// Creates a tracer provider.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context too, which makes them
    /// slightly slower.
    #[allow(clippy::new_without_default, reason = "it changes the process")]
    pub fn new() -> Self {
        gate::ask();
        Self(())
    }
}

impl otel::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        super::probe::answer(&scope);
        Tracer {
            library: library::of(&scope),
        }
    }
}

/// A tracer of one library, whose spans obs records.
#[derive(Clone)]
pub struct Tracer {
    library: &'static Sites,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("library", &self.library.of(SpanKind::Internal).target())
            .finish()
    }
}

impl Tracer {
    fn start(&self, builder: SpanBuilder, parent: Option<SpanContext>) -> Span {
        let site = self.library.of(library::kind(builder.span_kind.as_ref()));
        match Manual::begin_under(site, parent.as_ref()) {
            Some(manual) => {
                let context = manual.context();
                let theirs = context.map_or(otel::SpanContext::NONE, SpanContext::to_opentelemetry);
                if manual.is_recording() {
                    let internal = self.library.of(SpanKind::Internal);
                    Span::begin(theirs, manual, internal, builder)
                } else {
                    Span::unrecorded(theirs)
                }
            }
            None => Span::unrecorded(unsampled(parent)),
        }
    }
}

/// Returns the identity of a span that is not recorded.
///
/// It has an id of its own in its parent's trace. While obs is off it is the parent's identity
/// (OpenTelemetry trace API, "Behavior of the API in the absence of an installed SDK").
fn unsampled(parent: Option<SpanContext>) -> otel::SpanContext {
    let Some(parent) = parent else {
        return otel::SpanContext::NONE;
    };
    if gate::gate() == 0 {
        return parent.to_opentelemetry();
    }
    let unsampled = SpanContext {
        span_id: SpanId(local().next_id()),
        flags: TraceFlags::from_bits(parent.flags.bits() & !TraceFlags::SAMPLED.bits()),
        origin: Origin::Here,
        ..parent
    };
    unsampled.to_opentelemetry()
}

impl otel::Tracer for Tracer {
    type Span = Span;

    fn span_builder<T: Into<Cow<'static, str>>>(&self, name: T) -> SpanBuilder {
        let mut builder = SpanBuilder::from_name(name);
        marker::put(&mut builder);
        builder
    }

    fn build_with_context(&self, mut builder: SpanBuilder, parent_cx: &Context) -> Span {
        let parent = marker::take_parent(&mut builder, parent_cx);
        if parent_cx.is_telemetry_suppressed() {
            return Span::unrecorded(otel::SpanContext::NONE);
        }
        self.start(builder, parent)
    }

    fn in_span<T, F, N>(&self, name: N, f: F) -> T
    where
        F: FnOnce(Context) -> T,
        N: Into<Cow<'static, str>>,
    {
        // The span is built on this thread, so its context needs no marker.
        self.in_span_with_builder(SpanBuilder::from_name(name), f)
    }

    fn in_span_with_context<T, F, N>(&self, name: N, parent_cx: &Context, f: F) -> T
    where
        F: FnOnce(Context) -> T,
        N: Into<Cow<'static, str>>,
    {
        self.in_span_with_builder_and_context(SpanBuilder::from_name(name), parent_cx, f)
    }
}

/// A tracer provider of another SDK, whose spans become children and parents of those of obs.
///
/// Its spans go where that provider sends them, those of obs where obs does.
///
/// ```
/// use obs_runtime::interop::opentelemetry::WrappedTracerProvider;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let sdk = SdkTracerProvider::builder().build();
/// opentelemetry::global::set_tracer_provider(WrappedTracerProvider::new(sdk.clone()));
/// ```
#[derive(Clone, Debug)]
pub struct WrappedTracerProvider<P> {
    inner: P,
}

impl<P: otel::TracerProvider> WrappedTracerProvider<P> {
    /// Wraps a provider.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context too, which makes them
    /// slightly slower.
    pub fn new(inner: P) -> Self {
        gate::ask();
        Self { inner }
    }
}

impl<P: otel::TracerProvider> otel::TracerProvider for WrappedTracerProvider<P> {
    type Tracer = WrappedTracer<P::Tracer>;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Self::Tracer {
        super::probe::answer(&scope);
        WrappedTracer {
            inner: self.inner.tracer_with_scope(scope),
        }
    }
}

/// A tracer of a [`WrappedTracerProvider`].
#[derive(Clone, Debug)]
pub struct WrappedTracer<T> {
    inner: T,
}

impl<T: otel::Tracer> WrappedTracer<T> {
    /// Wraps a single tracer, for libraries that are given a tracer instead of a provider.
    pub fn new(inner: T) -> Self {
        gate::ask();
        Self { inner }
    }
}

impl<T: otel::Tracer> otel::Tracer for WrappedTracer<T> {
    type Span = T::Span;

    fn span_builder<N: Into<Cow<'static, str>>>(&self, name: N) -> SpanBuilder {
        let mut builder = self.inner.span_builder(name);
        marker::put(&mut builder);
        builder
    }

    fn build_with_context(&self, mut builder: SpanBuilder, parent_cx: &Context) -> T::Span {
        let parent = marker::take_parent(&mut builder, parent_cx);
        let theirs = parent_cx.span().span_context().span_id();
        match parent {
            Some(ours) if ours.span_id.to_bytes() != theirs.to_bytes() => {
                let cx = parent_cx.with_remote_span_context(ours.to_opentelemetry());
                self.inner.build_with_context(builder, &cx)
            }
            _ => self.inner.build_with_context(builder, parent_cx),
        }
    }
}
