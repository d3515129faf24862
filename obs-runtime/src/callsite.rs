//! The static descriptor of each annotated function, and the registry of them.

use core::sync::atomic::{AtomicU32, Ordering};

/// The role of a span, as in OpenTelemetry's `SpanKind` (trace API, "SpanKind").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SpanKind {
    /// Work inside the program (the default).
    #[default]
    Internal,
    /// The handling of a remote request.
    Server,
    /// A request to a remote service.
    Client,
    /// A message handed to a queue.
    Producer,
    /// A message taken from a queue.
    Consumer,
}

impl SpanKind {
    /// The word that OpenTelemetry uses, in lower case.
    ///
    /// ```
    /// assert_eq!(obs_runtime::SpanKind::Client.as_str(), "client");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How much a span matters; spans above the configured level are not built.
///
/// ```
/// use obs_runtime::Level;
/// assert!(Level::Error < Level::Info);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is wrong but was handled.
    Warn = 2,
    /// The default.
    #[default]
    Info = 3,
    /// For the developer of the code.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl Level {
    /// The level's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The lowest gate of the span core that lets a level through.
pub(crate) const fn threshold(level: Level) -> u8 {
    level as u8 + 1
}

/// Which macro made a callsite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Construct {
    /// `#[traced]`.
    #[default]
    Traced,
    /// `#[pipeline_task]`.
    PipelineTask,
    /// `#[llm_call]`.
    LlmCall,
    /// `#[vector_op]`.
    VectorOp,
    /// `#[on_failure]`, `#[on_complete]`.
    Handler,
    /// `span!`.
    Span,
    /// A span of the crate `tracing`.
    Tracing,
}

/// An attribute value that is known when the program is compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConstValue {
    /// Text.
    Str(&'static str),
    /// A whole number.
    I64(i64),
    /// A number.
    F64(f64),
    /// A truth value.
    Bool(bool),
}

/// What generated code says of a function; the fields of a [`Callsite`].
///
/// Part of the contract between the macros and the runtime only.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct CallsiteSpec {
    pub name: &'static str,
    pub function: &'static str,
    pub module: &'static str,
    pub target: &'static str,
    pub file: &'static str,
    pub line: u32,
    pub kind: SpanKind,
    pub level: Level,
    pub construct: Construct,
    /// Keys of the values that the call records, in their order.
    pub keys: &'static [&'static str],
    /// Attributes that never change.
    pub constants: &'static [(&'static str, ConstValue)],
    /// Whether calls and durations are counted.
    pub metrics: bool,
    /// Whether each call begins a trace of its own.
    pub root: bool,
}

impl CallsiteSpec {
    pub const fn new(
        function: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name: function,
            function,
            module,
            target: module,
            file,
            line,
            kind: SpanKind::Internal,
            level: Level::Info,
            construct: Construct::Traced,
            keys: &[],
            constants: &[],
            metrics: true,
            root: false,
        }
    }
}

/// The static descriptor of one annotated function: all that is known of it before it runs.
#[derive(Debug)]
pub struct Callsite {
    pub(crate) spec: CallsiteSpec,
    /// The level's threshold, or above every gate for a root: what the hot path compares.
    threshold: u8,
    /// 0 until the drain has seen the callsite; then its number, from 1.
    id: AtomicU32,
    /// Labels of the function metrics; without those that have no value.
    labels: &'static [(&'static str, &'static str)],
}

impl Callsite {
    #[doc(hidden)]
    pub const fn new(spec: CallsiteSpec) -> Self {
        Self {
            spec,
            threshold: threshold(spec.level) | if spec.root { 0x80 } else { 0 },
            id: AtomicU32::new(0),
            labels: &[],
        }
    }

    /// The same function, whose calls with these labels are counted apart.
    pub(crate) const fn with_labels(
        &self,
        labels: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            spec: self.spec,
            threshold: self.threshold,
            id: AtomicU32::new(0),
            labels,
        }
    }

    pub(crate) const fn labels(&self) -> &'static [(&'static str, &'static str)] {
        self.labels
    }

    /// The span's name; a dynamic name changes the span, not this.
    pub const fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The function's name.
    pub const fn function(&self) -> &'static str {
        self.spec.function
    }

    /// The path of the module that holds the function.
    pub const fn module(&self) -> &'static str {
        self.spec.module
    }

    /// The target, the module's path by default.
    pub const fn target(&self) -> &'static str {
        self.spec.target
    }

    /// The source file, as the compiler names it.
    pub const fn file(&self) -> &'static str {
        self.spec.file
    }

    /// The line of the function in its file.
    pub const fn line(&self) -> u32 {
        self.spec.line
    }

    /// The span's kind.
    pub const fn kind(&self) -> SpanKind {
        self.spec.kind
    }

    /// The span's level.
    pub const fn level(&self) -> Level {
        self.spec.level
    }

    /// The macro that made the callsite.
    pub const fn construct(&self) -> Construct {
        self.spec.construct
    }

    /// Keys of the attributes that a call records.
    pub const fn keys(&self) -> &'static [&'static str] {
        self.spec.keys
    }

    /// Attributes that every span of this callsite has.
    pub const fn constants(&self) -> &'static [(&'static str, ConstValue)] {
        self.spec.constants
    }

    /// Whether calls and durations are counted.
    pub const fn metrics(&self) -> bool {
        self.spec.metrics
    }

    #[inline(always)]
    pub(crate) const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Whether each call begins a trace of its own.
    pub const fn is_root(&self) -> bool {
        self.spec.root
    }

    /// The callsite's number, small and dense: an index for tables. The first request gives it.
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
