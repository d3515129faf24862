//! The callsites of spans made through OpenTelemetry's API: one for each library and span kind.
//!
//! A record names its span's origin by a `'static` descriptor. Libraries are known only at run
//! time, so descriptors are made when a library first asks for a tracer, and are never freed. That
//! is why their number is limited: a program may make up names.

use std::collections::HashMap;
use std::sync::Mutex;

use ::opentelemetry::InstrumentationScope;
use ::opentelemetry::trace::SpanKind as Kind;

use crate::callsite::{Callsite, CallsiteSpec, ConstValue, Construct, Level, SpanKind};
#[cfg(unix)]
use crate::fork::PerProcess;
use crate::lock::lock;
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_VERSION};

/// The most libraries that get descriptors of their own; spans of further ones name none.
const MOST: usize = 256;

/// The callsites of one library, by span kind.
pub(super) struct Library([Callsite; 5]);

const KINDS: [SpanKind; 5] = [
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

impl Library {
    const fn new(target: &'static str, constants: &'static [(&'static str, ConstValue)]) -> Self {
        let base = CallsiteSpec {
            name: "opentelemetry",
            target,
            // These spans have no level, so they must pass at every one.
            level: Level::Error,
            construct: Construct::Span,
            constants,
            metrics: false,
            ..CallsiteSpec::new("", "", "", 0)
        };
        Self([
            Callsite::new(CallsiteSpec {
                kind: KINDS[0],
                ..base
            }),
            Callsite::new(CallsiteSpec {
                kind: KINDS[1],
                ..base
            }),
            Callsite::new(CallsiteSpec {
                kind: KINDS[2],
                ..base
            }),
            Callsite::new(CallsiteSpec {
                kind: KINDS[3],
                ..base
            }),
            Callsite::new(CallsiteSpec {
                kind: KINDS[4],
                ..base
            }),
        ])
    }

    pub(super) fn site(&'static self, kind: Option<&Kind>) -> &'static Callsite {
        let at = match kind {
            None | Some(Kind::Internal) => 0,
            Some(Kind::Server) => 1,
            Some(Kind::Client) => 2,
            Some(Kind::Producer) => 3,
            Some(Kind::Consumer) => 4,
        };
        &self.0[at]
    }

    /// Returns the library of a name and version; the first call for them makes it.
    pub(super) fn of(scope: &InstrumentationScope) -> &'static Self {
        static UNNAMED: Library = Library::new("opentelemetry", &[]);

        let key = (
            scope.name().to_owned(),
            scope.version().unwrap_or_default().to_owned(),
        );
        if key.0.is_empty() {
            return &UNNAMED;
        }
        let mut known = lock(&KNOWN);
        let known = known.get_or_insert_default();
        if let Some(library) = known.get(&key) {
            return library;
        }
        if known.len() >= MOST {
            return &UNNAMED;
        }
        let library = Self::leak(&key.0, &key.1);
        known.insert(key, library);
        library
    }

    fn leak(name: &str, version: &str) -> &'static Self {
        let text = |text: &str| -> &'static str { Box::leak(text.into()) };
        let name = text(name);
        let mut constants = vec![(OTEL_SCOPE_NAME, ConstValue::Str(name))];
        if !version.is_empty() {
            constants.push((OTEL_SCOPE_VERSION, ConstValue::Str(text(version))));
        }
        Box::leak(Box::new(Self::new(name, constants.leak())))
    }
}

static KNOWN: PerProcess<Mutex<Option<Known>>> = PerProcess::new(Mutex::default);

type Known = HashMap<(String, String), &'static Library>;
