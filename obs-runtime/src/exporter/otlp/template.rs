//! What every span of a callsite has in common, encoded once.
//!
//! Of OpenTelemetry's stable code attributes the function's name is worth its bytes in every span:
//! it finds file and line as well, whatever the span is called.

use crate::Callsite;
use crate::callsite::SpanKind;
use crate::exporter::otlp::attributes::{self, constant};
use crate::exporter::otlp::protobuf::{text, uint};
use crate::exporter::otlp::span::{ATTRIBUTES, KIND, NAME};
use crate::semconv::attribute::CODE_FUNCTION_NAME;
use crate::trace::ValueRef;

/// The ready parts of a callsite's spans.
#[derive(Debug)]
pub(super) struct Template {
    /// The fields of name and kind.
    pub(super) head: Box<[u8]>,
    /// `Span.SpanKind`.
    pub(super) kind: u64,
    /// Whole attribute fields: the constants and where the code is.
    pub(super) constants: Box<[u8]>,
    /// The key's field of each recorded value, in their order.
    pub(super) keys: Box<[Box<[u8]>]>,
    /// The function with its module; empty if a recorded or constant attribute says it.
    pub(super) function: Box<str>,
    /// No key occurs twice: nothing needs to be compared for each span.
    pub(super) is_plain: bool,
}

impl Template {
    fn new(site: &Callsite) -> Self {
        let keys = site.keys();
        let constant_keys = || site.constants().iter().map(|(key, _)| *key);
        let names_code =
            keys.contains(&CODE_FUNCTION_NAME) || constant_keys().any(|k| k == CODE_FUNCTION_NAME);
        let function = match (names_code, site.module()) {
            (true, _) => String::new(),
            (false, "") => site.function().to_owned(),
            (false, module) => format!("{module}::{}", site.function()),
        };
        let all: Vec<&str> = constant_keys().chain(keys.iter().copied()).collect();
        let is_plain = (1..all.len()).all(|i| !all[..i].contains(&all[i]));

        let kind = kind(site.kind());
        let mut head = Vec::new();
        text(&mut head, NAME, site.name());
        uint(&mut head, KIND, kind);
        let mut constants = Vec::new();
        for (key, value) in site.constants() {
            attributes::key_value(&mut constants, ATTRIBUTES, key, constant(value));
        }
        if !function.is_empty() {
            let value = ValueRef::Str(&function);
            attributes::key_value(&mut constants, ATTRIBUTES, CODE_FUNCTION_NAME, value);
        }
        let keys = keys.iter().map(|key| {
            let mut field = Vec::new();
            attributes::key(&mut field, key);
            field.into_boxed_slice()
        });
        Self {
            head: head.into_boxed_slice(),
            kind,
            constants: constants.into_boxed_slice(),
            keys: keys.collect(),
            function: function.into_boxed_str(),
            is_plain,
        }
    }
}

/// `Span.SpanKind` of trace.proto.
const fn kind(kind: SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The templates of all callsites that were seen, by [`Callsite::id`].
#[derive(Debug, Default)]
pub(super) struct Templates(Vec<Option<Box<Template>>>);

impl Templates {
    #[inline]
    pub(super) fn get(&mut self, site: &'static Callsite) -> &Template {
        let index = site.id() as usize;
        if index >= self.0.len() {
            self.grow(index);
        }
        self.0[index].get_or_insert_with(|| Box::new(Template::new(site)))
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        self.0.resize_with((index + 1).next_power_of_two(), || None);
    }
}
