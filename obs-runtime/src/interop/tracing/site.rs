//! What is known of a callsite of `tracing` before it runs, looked up once for each thread.
//!
//! A callsite lives as long as the program, so its description is leaked once and then shared.

use core::cell::RefCell;
use std::collections::HashMap;
use std::sync::Mutex;

use ::tracing::Metadata;

use crate::callsite::{CallsiteSpec, ConstValue, Construct, Level, More, Source, SpanKind};
use crate::fork::PerProcess;
use crate::interop::sites::Sites;
use crate::lock::lock;
use crate::redact::is_secret_key;
use crate::semconv::attribute::{CODE_FILE_PATH, CODE_LINE_NUMBER};
use crate::trace::client_span;

/// The meaning of a span's field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Attribute,
    /// The field's name says that its value must not be seen.
    Secret,
    /// `otel.name`, the span's name.
    Name,
    /// `otel.kind`, the span's kind.
    Kind,
    /// `otel.status_code`, whether the span failed.
    StatusCode,
    /// `otel.status_message` or `otel.status_description`, the message of the status.
    StatusMessage,
}

/// A callsite of `tracing`, as obs knows it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) callsites: Sites,
    /// The roles by the index of the field.
    pub(super) roles: Box<[Role]>,
    /// Whether spans of the callsite may differ in their kind.
    pub(super) has_kind: bool,
    /// Whether they may be those of a client of models, inside a call that is about the same request.
    pub(super) is_of_client: bool,
}

impl Site {
    /// The names of the fields.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        self.callsites.of(SpanKind::Internal).keys()
    }

    fn new(metadata: &'static Metadata<'static>) -> Self {
        let keys: Vec<&'static str> = metadata.fields().iter().map(|f| f.name()).collect();
        let roles: Box<[Role]> = keys.iter().map(|key| role(key)).collect();
        let is_of_client = keys.contains(&client_span::KEY);
        let mut constants = Vec::new();
        if let Some(file) = metadata.file() {
            constants.push((CODE_FILE_PATH, ConstValue::Str(file)));
        }
        if let Some(line) = metadata.line() {
            constants.push((CODE_LINE_NUMBER, ConstValue::I64(line.into())));
        }
        let module = metadata.module_path().unwrap_or(metadata.target());
        let spec = CallsiteSpec {
            level: level(*metadata.level()),
            construct: Construct::Tracing,
            metrics: false,
            // There are as many as the program has callsites, and they live as long as these.
            more: Some(Box::leak(Box::new(More {
                name: metadata.name(),
                target: metadata.target(),
                keys: Vec::leak(keys),
                constants: Vec::leak(constants),
                ..More::NONE
            }))),
            // `tracing` does not say which function it is.
            source: Box::leak(Box::new(Source {
                module,
                file: metadata.file().unwrap_or_default(),
            })),
            line: metadata.line().unwrap_or_default(),
            ..CallsiteSpec::OF_NO_FUNCTION
        };
        Self {
            has_kind: roles.contains(&Role::Kind),
            is_of_client,
            roles,
            callsites: Sites::new(spec),
        }
    }
}

fn role(key: &str) -> Role {
    match key {
        "otel.name" => Role::Name,
        "otel.kind" => Role::Kind,
        "otel.status_code" => Role::StatusCode,
        "otel.status_message" | "otel.status_description" => Role::StatusMessage,
        key if is_secret_key(key) => Role::Secret,
        _ => Role::Attribute,
    }
}

pub(super) const fn level(level: ::tracing::Level) -> Level {
    match level {
        ::tracing::Level::ERROR => Level::Error,
        ::tracing::Level::WARN => Level::Warn,
        ::tracing::Level::INFO => Level::Info,
        ::tracing::Level::DEBUG => Level::Debug,
        ::tracing::Level::TRACE => Level::Trace,
    }
}

/// The number of places in a thread's table; the address of a callsite chooses one.
const PLACES: usize = 64;

type Place = Option<(*const Metadata<'static>, &'static Site)>;

/// Returns what obs knows of a callsite.
pub(super) fn of(metadata: &'static Metadata<'static>) -> &'static Site {
    thread_local! {
        static TABLE: RefCell<[Place; PLACES]> = const { RefCell::new([None; PLACES]) };
    }
    let address = core::ptr::from_ref(metadata);
    let place = (address as usize >> 4) % PLACES;
    let known = |table: &RefCell<[Place; PLACES]>| {
        let mut table = table.borrow_mut();
        match table[place] {
            Some((known, site)) if known == address => site,
            _ => {
                let site = shared(metadata);
                table[place] = Some((address, site));
                site
            }
        }
    };
    TABLE.with(known)
}

type Known = HashMap<usize, &'static Site>;

static ALL: PerProcess<Mutex<Known>> = PerProcess::new(Mutex::default);

#[cold]
fn shared(metadata: &'static Metadata<'static>) -> &'static Site {
    let address = core::ptr::from_ref(metadata) as usize;
    let mut all = lock(&ALL);
    all.entry(address)
        .or_insert_with(|| Box::leak(Box::new(Site::new(metadata))))
}
