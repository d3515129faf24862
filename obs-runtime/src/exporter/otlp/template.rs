//! What every span of a callsite has in common, encoded once.
//!
//! Of OpenTelemetry's stable code attributes the function's name is worth its bytes in every span:
//! it finds file and line as well, whatever the span is called.

use crate::callsite::{Callsite, Written};
use crate::exporter::otlp::attributes::{self, KeyField};
use crate::exporter::otlp::library::Library;
use crate::exporter::otlp::plain::Pen;
use crate::exporter::otlp::protobuf::{bytes, fixed64, text, uint};
use crate::exporter::otlp::span::{
    ATTRIBUTES, END, KIND, NAME, PARENT_SPAN_ID, SPAN_ID, START, TRACE_ID,
};
use crate::semconv::attribute::CODE_FUNCTION_NAME;
use crate::trace::{SpanLimits, SpanView, ValueRef};

/// The ready parts of a callsite's spans.
#[derive(Debug)]
pub(super) struct Template {
    /// All that comes before the recorded values, for a span with a parent and for one without.
    pub(super) child: Image,
    pub(super) root: Image,
    /// `Span.SpanKind`.
    pub(super) kind: u64,
    /// The keys of the recorded values, in their order.
    pub(super) keys: Box<[KeyField]>,
    /// The constants that come behind recorded values: few callsites have any.
    pub(super) between: Box<[Between]>,
    /// The function with its module; empty if a recorded or constant attribute says it.
    pub(super) function: Box<str>,
    /// Whose spans they are, if not those of obs.
    pub(super) library: Option<Library>,
    /// No key occurs twice and no limit is near: nothing needs to be compared for each span.
    pub(super) is_plain: bool,
    pub(super) limits: SpanLimits,
}

impl Template {
    fn new(site: &'static Callsite, limits: SpanLimits) -> Self {
        let keys = site.keys();
        let constant_keys = || site.constants().iter().map(|(key, _)| *key);
        let names_code =
            keys.contains(&CODE_FUNCTION_NAME) || constant_keys().any(|k| k == CODE_FUNCTION_NAME);
        let function = match (names_code, site.module()) {
            (true, _) => String::new(),
            // A span of `tracing`: which function it is, nobody knows.
            (false, _) if site.function().is_empty() => String::new(),
            (false, "") => site.function().to_owned(),
            (false, module) => format!("{module}::{}", site.function()),
        };
        let all: Vec<&str> = constant_keys().chain(keys.iter().copied()).collect();
        // A limit may cut every value, and the function's name is an attribute too.
        let is_unlimited =
            limits.value_length == u32::MAX && all.len() < limits.attributes as usize;
        let is_plain = is_unlimited && (1..all.len()).all(|i| !all[..i].contains(&all[i]));

        // OTLP has the same list of kinds, from 1 on.
        let kind = site.kind() as u64 + 1;
        let library = Library::of(site);
        let mut first = Vec::new();
        if !function.is_empty() {
            let value = ValueRef::Str(&function);
            attributes::key_value(&mut first, ATTRIBUTES, CODE_FUNCTION_NAME, value);
        }
        let mut between = constants(site, library.as_ref());
        if between.first().is_some_and(|part| part.keys == 0) {
            first.extend(between.remove(0).bytes);
        }
        let image = |has_parent| Image::new(has_parent, site.name(), kind, &first);
        Self {
            child: image(true),
            root: image(false),
            kind,
            keys: keys
                .iter()
                .map(|key| KeyField::new(ATTRIBUTES, key))
                .collect(),
            between: between.into_boxed_slice(),
            function: function.into_boxed_str(),
            library,
            is_plain,
            limits,
        }
    }

    /// Returns whether an attribute only says which library's span it is.
    pub(super) fn is_of_library(&self, key: &str) -> bool {
        self.library.is_some() && Library::is_named_by(key)
    }
}

/// Encodes the constants, each behind the keys that come before it. The first are behind none.
fn constants(site: &'static Callsite, library: Option<&Library>) -> Vec<Between> {
    let mut parts: Vec<Between> = Vec::new();
    let mut keys = 0;
    for attribute in site.written() {
        match attribute {
            Written::Key(..) => keys += 1,
            Written::Constant(key, _) if library.is_some() && Library::is_named_by(key) => {}
            Written::Constant(key, value) => {
                let mut part = parts.pop_if(|last| last.keys == keys).unwrap_or(Between {
                    keys,
                    bytes: Vec::new(),
                });
                attributes::key_value(&mut part.bytes, ATTRIBUTES, key, value.into());
                parts.push(part);
            }
        }
    }
    parts
}

/// Constants between recorded values, or behind all of them.
#[derive(Debug)]
pub(super) struct Between {
    /// How many keys come before them.
    pub(super) keys: usize,
    pub(super) bytes: Vec<u8>,
}

/// The beginning of a span with holes for ids and times.
#[derive(Debug)]
pub(super) struct Image {
    bytes: Box<[u8]>,
    has_parent: bool,
    /// Where the field of the start begins; that of the end follows.
    times: usize,
}

impl Image {
    fn new(has_parent: bool, name: &str, kind: u64, constants: &[u8]) -> Self {
        let mut image = Vec::new();
        bytes(&mut image, TRACE_ID, &[0; 16]);
        bytes(&mut image, SPAN_ID, &[0; 8]);
        if has_parent {
            bytes(&mut image, PARENT_SPAN_ID, &[0; 8]);
        }
        text(&mut image, NAME, name);
        uint(&mut image, KIND, kind);
        let times = image.len();
        fixed64(&mut image, START, 0);
        fixed64(&mut image, END, 0);
        image.extend_from_slice(constants);
        Self {
            bytes: image.into_boxed_slice(),
            has_parent,
            times,
        }
    }

    /// Appends the image and fills its holes; none if there is no room.
    #[inline]
    pub(super) fn stamp(&self, pen: &mut Pen<'_>, view: &SpanView<'_>) -> Option<()> {
        let (ids, times) = pen.put(&self.bytes)?.split_at_mut_checked(self.times)?;
        // Each field is its tag, its length and the id; a time has no length.
        let (own, ids): (&mut [u8; 28], _) = ids.split_first_chunk_mut()?;
        own[2..18].copy_from_slice(&view.trace_id.to_bytes());
        own[20..28].copy_from_slice(&view.span_id.to_bytes());
        if self.has_parent {
            let parent: &mut [u8; 10] = ids.first_chunk_mut()?;
            parent[2..10].copy_from_slice(&view.parent_id.to_bytes());
        }
        let times: &mut [u8; 18] = times.first_chunk_mut()?;
        times[1..9].copy_from_slice(&view.start_unix_nanos.to_le_bytes());
        times[10..18].copy_from_slice(&view.end_unix_nanos.to_le_bytes());
        Some(())
    }
}

/// The templates of all callsites that were seen, by [`Callsite::id`].
#[derive(Debug, Default)]
pub(super) struct Templates {
    of_sites: Vec<Option<Box<Template>>>,
    limits: SpanLimits,
}

impl Templates {
    pub(super) fn new(limits: SpanLimits) -> Self {
        Self {
            of_sites: Vec::new(),
            limits,
        }
    }

    #[inline]
    pub(super) fn get(&mut self, site: &'static Callsite) -> &Template {
        let index = site.id() as usize;
        if index >= self.of_sites.len() {
            self.grow(index);
        }
        let limits = self.limits;
        self.of_sites[index].get_or_insert_with(
            #[cold]
            || Box::new(Template::new(site, limits)),
        )
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        self.of_sites
            .resize_with((index + 1).next_power_of_two(), || None);
    }
}
