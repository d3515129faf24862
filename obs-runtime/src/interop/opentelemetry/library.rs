//! The callsites of spans made through OpenTelemetry's API: one for each library and span kind.
//!
//! A record names its span's origin by a `'static` descriptor. Libraries are known only at run
//! time, so descriptors are made when a library first asks for a tracer, and are never freed. That
//! is why their number is limited: a program may make up names.

use std::collections::HashMap;
use std::sync::Mutex;

use ::opentelemetry::InstrumentationScope;
use ::opentelemetry::trace::SpanKind as Kind;

use crate::callsite::{CallsiteSpec, ConstValue, Construct, Level, More, SpanKind};
use crate::fork::PerProcess;
use crate::interop::sites::Sites;
use crate::lock::lock;
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_VERSION};

/// The most libraries that get descriptors of their own; spans of further ones name none.
const MOST: usize = 256;

/// Returns the callsites of the spans of a library. The first call for its name and version makes
/// them.
pub(super) fn of(scope: &InstrumentationScope) -> &'static Sites {
    static UNNAMED: PerProcess<Sites> = PerProcess::new(|| sites("opentelemetry", &[]));

    let key = (
        scope.name().to_owned(),
        scope.version().unwrap_or_default().to_owned(),
    );
    if key.0.is_empty() {
        return &UNNAMED;
    }
    let mut known = lock(&KNOWN);
    if let Some(library) = known.get(&key) {
        return library;
    }
    if known.len() >= MOST {
        return &UNNAMED;
    }
    let text = |text: &str| -> &'static str { Box::leak(text.into()) };
    let name = text(&key.0);
    let mut constants = vec![(OTEL_SCOPE_NAME, ConstValue::Str(name))];
    if !key.1.is_empty() {
        constants.push((OTEL_SCOPE_VERSION, ConstValue::Str(text(&key.1))));
    }
    let library = Box::leak(Box::new(sites(name, constants.leak())));
    known.insert(key, library);
    library
}

fn sites(target: &'static str, constants: &'static [(&'static str, ConstValue)]) -> Sites {
    Sites::new(CallsiteSpec {
        // These spans have no level, so they must pass at every one.
        level: Level::Error,
        construct: Construct::Span,
        metrics: false,
        more: Some(Box::leak(Box::new(More {
            name: "opentelemetry",
            target,
            constants,
            ..More::NONE
        }))),
        ..CallsiteSpec::OF_NO_FUNCTION
    })
}

/// Converts the kind of a span, which is internal unless its builder says otherwise.
pub(super) fn kind(theirs: Option<&Kind>) -> SpanKind {
    match theirs {
        None | Some(Kind::Internal) => SpanKind::Internal,
        Some(Kind::Server) => SpanKind::Server,
        Some(Kind::Client) => SpanKind::Client,
        Some(Kind::Producer) => SpanKind::Producer,
        Some(Kind::Consumer) => SpanKind::Consumer,
    }
}

type Known = HashMap<(String, String), &'static Sites>;

static KNOWN: PerProcess<Mutex<Known>> = PerProcess::new(Mutex::default);
