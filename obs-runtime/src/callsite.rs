//! The static descriptor of each annotated function, and the registry of them.
//!
//! A macro expands to one `static` [`Callsite`] for each function. It holds all that is known when
//! the program is compiled: name, source location, level, keys of the fields. A call carries a
//! reference to it instead of these data, the drain counts calls by its id, and tools read the
//! whole list without running anything ([`callsites`]).
//!
//! A callsite lives as long as the program, and its address is its identity: records keep the
//! address as one word. Everything in it is constant, except the id that the drain gives.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::words::words;

words! {
    /// The role of a span, as in OpenTelemetry's `SpanKind` (trace API, "SpanKind").
    ///
    /// ```
    /// assert_eq!(obs_runtime::SpanKind::Client.as_str(), "client");
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    #[non_exhaustive]
    pub enum SpanKind {
        /// Work inside the program. This is the default.
        #[default]
        Internal => "internal",
        /// The handling of a remote request.
        Server => "server",
        /// A request to a remote service.
        Client => "client",
        /// A message that is handed to a queue.
        Producer => "producer",
        /// A message that is taken from a queue.
        Consumer => "consumer",
    }
}

words! {
    /// How much a span matters. Spans that are more verbose than the configured level are not created.
    ///
    /// ```
    /// use obs_runtime::Level;
    /// assert!(Level::Error < Level::Info);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    #[repr(u8)]
    pub enum Level {
        /// Something failed.
        Error = 1 => "error",
        /// Something is wrong but was handled.
        Warn = 2 => "warn",
        /// Something that is worth knowing in production. This is the default.
        #[default]
        Info = 3 => "info",
        /// A detail for the developer of the code.
        Debug = 4 => "debug",
        /// Everything.
        Trace = 5 => "trace",
    }
}

/// The levels as `tracing` writes them, for code that comes from there.
///
/// ```
/// use obs_runtime::Level;
/// assert_eq!(Level::DEBUG, Level::Debug);
/// ```
impl Level {
    /// [`Level::Error`]
    pub const ERROR: Self = Self::Error;
    /// [`Level::Warn`]
    pub const WARN: Self = Self::Warn;
    /// [`Level::Info`]
    pub const INFO: Self = Self::Info;
    /// [`Level::Debug`]
    pub const DEBUG: Self = Self::Debug;
    /// [`Level::Trace`]
    pub const TRACE: Self = Self::Trace;
}

/// Returns the lowest gate of the span core that lets a level through.
pub(crate) const fn threshold(level: Level) -> u8 {
    // The gate has two values of its own below all of these.
    level as u8 + 2
}

/// The macro that created a callsite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Construct {
    /// The macro `#[traced]`.
    #[default]
    Traced,
    /// The macro `#[pipeline_task]`.
    PipelineTask,
    /// The macro `#[llm_call]`.
    LlmCall,
    /// The macro `#[vector_op]`.
    VectorOp,
    /// The macros `#[agent]` and `#[workflow]`.
    Agent,
    /// The macro `#[tool_call]`.
    ToolCall,
    /// The macros `#[on_failure]` and `#[on_complete]`.
    Handler,
    /// The macro `span!`.
    Span,
    /// A span of the crate `tracing`.
    Tracing,
}

/// An attribute value that is known when the program is compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConstValue {
    /// A text.
    Str(&'static str),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
}

/// One of a callsite's attributes, as [`Callsite::written`] gives them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Written {
    /// A constant.
    Constant(&'static str, ConstValue),
    /// The key of the value with this index.
    Key(usize, &'static str),
}

/// Where a function lies. The functions of a module share one, so the linked program has few of them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub module: &'static str,
    pub file: &'static str,
}

/// What only some functions have beside their name and source.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct More {
    /// The name of the span. Empty: that of the function.
    pub name: &'static str,
    /// Empty: the path of the module.
    pub target: &'static str,
    /// The keys of the values that the call records, in their order.
    pub keys: &'static [&'static str],
    /// The keys of values that may be recorded while the call runs.
    pub declared: &'static [&'static str],
    /// The attributes that never change.
    pub constants: &'static [(&'static str, ConstValue)],
    /// For each constant, how many keys the user wrote before it. Empty: constants come first.
    pub places: &'static [u16],
    /// The labels of the function metrics, without those that have no value.
    pub labels: &'static [(&'static str, &'static str)],
}

impl More {
    pub const NONE: Self = Self {
        name: "",
        target: "",
        keys: &[],
        declared: &[],
        constants: &[],
        places: &[],
        labels: &[],
    };
}

/// The description of a function by generated code: what a [`Callsite`] is made of.
///
/// It is a part of the contract between the macros and the runtime, and not for other code.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct CallsiteSpec {
    pub function: &'static str,
    pub source: &'static Source,
    pub line: u32,
    pub kind: SpanKind,
    pub level: Level,
    pub construct: Construct,
    /// Whether calls and durations are counted.
    pub metrics: bool,
    /// Whether each call begins a trace of its own.
    pub root: bool,
    pub more: Option<&'static More>,
}

impl CallsiteSpec {
    /// That of spans that no function of the program's is annotated for.
    #[cfg(any(
        feature = "opentelemetry",
        feature = "reqwest",
        feature = "tower",
        feature = "tracing"
    ))]
    pub(crate) const OF_NO_FUNCTION: Self = Self::new(
        "",
        &Source {
            module: "",
            file: "",
        },
        0,
    );

    pub const fn new(function: &'static str, source: &'static Source, line: u32) -> Self {
        Self {
            function,
            source,
            line,
            kind: SpanKind::Internal,
            level: Level::Info,
            construct: Construct::Traced,
            metrics: true,
            root: false,
            more: None,
        }
    }
}

/// The static descriptor of one annotated function: everything that is known of it before it runs.
///
/// Each pointer in it is 24 bytes more of a program that may be loaded at any address, so what most
/// functions do not have stands behind one that is null.
#[derive(Debug)]
pub struct Callsite {
    pub(crate) spec: CallsiteSpec,
    /// The level's threshold, or a value above every gate for a root. The hot path compares it.
    threshold: u8,
    /// The callsite's number, from 1; 0 until the drain has seen the callsite.
    id: AtomicU32,
}

impl Callsite {
    #[doc(hidden)]
    pub const fn new(spec: CallsiteSpec) -> Self {
        Self {
            spec,
            threshold: threshold(spec.level) | if spec.root { 0x80 } else { 0 },
            id: AtomicU32::new(0),
        }
    }

    /// Returns a copy for the same function, whose calls with these labels are counted apart. It is
    /// kept for good.
    #[cfg(any(feature = "record", test))]
    pub(crate) fn with_labels(
        &self,
        labels: &'static [(&'static str, &'static str)],
    ) -> &'static Self {
        let more = More {
            labels,
            ..*self.more()
        };
        Box::leak(Box::new(Self::new(CallsiteSpec {
            more: Some(Box::leak(Box::new(more))),
            ..self.spec
        })))
    }

    const fn more(&self) -> &'static More {
        match self.spec.more {
            Some(more) => more,
            None => &More::NONE,
        }
    }

    pub(crate) const fn labels(&self) -> &'static [(&'static str, &'static str)] {
        self.more().labels
    }

    /// Returns the span's name. A dynamic name changes the span, not this name.
    pub const fn name(&self) -> &'static str {
        let name = self.more().name;
        if name.is_empty() {
            self.spec.function
        } else {
            name
        }
    }

    /// Returns the function's name.
    pub const fn function(&self) -> &'static str {
        self.spec.function
    }

    /// Returns the path of the module that holds the function.
    pub const fn module(&self) -> &'static str {
        self.spec.source.module
    }

    /// Returns the target, which is the module's path by default.
    pub const fn target(&self) -> &'static str {
        let target = self.more().target;
        if target.is_empty() {
            self.spec.source.module
        } else {
            target
        }
    }

    /// Returns the source file, as the compiler names it.
    pub const fn file(&self) -> &'static str {
        self.spec.source.file
    }

    /// Returns the line of the function in its file.
    pub const fn line(&self) -> u32 {
        self.spec.line
    }

    /// Returns the span's kind.
    pub const fn kind(&self) -> SpanKind {
        self.spec.kind
    }

    /// Returns the span's level.
    pub const fn level(&self) -> Level {
        self.spec.level
    }

    /// Returns the macro that created the callsite.
    pub const fn construct(&self) -> Construct {
        self.spec.construct
    }

    /// Returns the keys of the attributes that a call records.
    pub const fn keys(&self) -> &'static [&'static str] {
        self.more().keys
    }

    /// Returns the keys that are declared: a call may record their values while it runs.
    pub const fn declared(&self) -> &'static [&'static str] {
        self.more().declared
    }

    /// Returns the attributes that every span of this callsite has.
    pub const fn constants(&self) -> &'static [(&'static str, ConstValue)] {
        self.more().constants
    }

    /// Returns constants and keys in the order in which the user wrote them.
    pub(crate) fn written(&self) -> impl Iterator<Item = Written> + use<> {
        let more = self.more();
        let mut constants = more.constants.iter().enumerate().peekable();
        let mut keys = more.keys.iter().enumerate().peekable();
        core::iter::from_fn(move || {
            let next_key = keys.peek().map(|(index, _)| *index);
            let constant = constants.next_if(|(index, _)| {
                let place = more.places.get(*index).copied().unwrap_or(0);
                next_key.is_none_or(|next| usize::from(place) <= next)
            });
            match constant {
                Some((_, (key, value))) => Some(Written::Constant(key, *value)),
                None => keys.next().map(|(index, key)| Written::Key(index, key)),
            }
        })
    }

    /// Returns whether calls and durations are counted.
    pub const fn metrics(&self) -> bool {
        self.spec.metrics
    }

    #[inline(always)]
    pub(crate) const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Returns whether each call begins a trace of its own.
    pub const fn is_root(&self) -> bool {
        self.spec.root
    }

    /// Returns the callsite's number, which is small and dense: an index for tables.
    ///
    /// The first caller gives the number.
    #[inline]
    pub(crate) fn id(&self) -> u32 {
        match self.id.load(Ordering::Relaxed) {
            0 => self.assign_id(),
            id => id,
        }
    }

    #[cold]
    fn assign_id(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
        match self
            .id
            .compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) => fresh,
            Err(taken) => taken,
        }
    }
}
