//! What the rules hand to the expansion of an annotated function. Nothing in it can be wrong.
//!
//! A plan holds what the user wrote and what was decided about it, as values. How that becomes
//! code is known to `expand` alone.

use proc_macro2::{Span, TokenStream};
use syn::{Expr, Ident, LitStr};

use crate::ast::Function;
use crate::attr::agents::Limit;
use crate::attr::conventions::Asked;
use crate::attr::duration::DurationArg;
use crate::attr::expr::{as_text, plain};
use crate::attr::fields::{Field, FieldValue};
use crate::attr::label::Label;
use crate::attr::level::LevelArg;
use crate::attr::list::Given;
use crate::attr::shared::{Declared, ErrMode, Render};
use crate::shape::Shape;

/// A function and the plan for it.
pub(crate) struct Annotated {
    pub(crate) function: Function,
    pub(crate) plan: Plan,
}

/// What the static callsite says.
#[derive(Default)]
pub(crate) struct Site {
    /// The path of `obs_runtime`.
    pub(crate) krate: TokenStream,
    /// The variant of `Construct`; `Traced` if empty.
    pub(crate) construct: &'static str,
    pub(crate) name: Name,
    pub(crate) kind: Option<&'static str>,
    pub(crate) level: Option<LevelArg>,
    pub(crate) target: Option<Expr>,
    pub(crate) fields: Vec<Field>,
    /// Fields whose value comes later.
    pub(crate) declared: Declared,
    pub(crate) root: bool,
    pub(crate) no_metrics: bool,
}

/// What the span is called.
#[derive(Default)]
pub(crate) enum Name {
    /// As the function.
    #[default]
    OfFunction,
    /// As a constant expression says.
    Constant(Expr),
    /// As an expression says that each call evaluates.
    Dynamic(Expr),
    /// As a convention says: texts with a space between them.
    Texts(Vec<Text>),
}

/// A text argument of a convention: a literal, or evaluated once inside the span.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) value: Expr,
    /// The variable that keeps a text that is no literal.
    pub(crate) variable: &'static str,
}

/// How an annotated function is expanded.
pub(crate) struct Plan {
    pub(crate) site: Site,
    pub(crate) shape: Shape,
    pub(crate) parent: Option<SpansArg>,
    pub(crate) labels: Vec<Label>,
    pub(crate) links: Vec<SpansArg>,
    pub(crate) err: ErrMode,
    pub(crate) err_span: Option<Span>,
    /// What looks at the value before the span ends, in this order.
    pub(crate) observers: Vec<Observer>,
    /// What is measured beside the span.
    pub(crate) measurement: Option<Measurement>,
    /// Where `timings` stands.
    pub(crate) timings: Option<Span>,
    /// `track_concurrency`
    pub(crate) concurrency: bool,
    pub(crate) follow: Follow,
}

/// `parent`, `links` and `follows_from`: an expression that names other spans.
pub(crate) struct SpansArg {
    pub(crate) value: Expr,
    /// Whether the spans are taken out of the value itself, not out of a reference to it: what can
    /// be gone through only once gives some too.
    pub(crate) is_consumed: bool,
}

impl SpansArg {
    /// The parameter that the argument alone names, so that it is none afterwards. What is left of
    /// its value is held until the call has ended.
    pub(crate) fn consumed(&self) -> Option<&Ident> {
        match plain(&self.value) {
            Expr::Path(path) if self.is_consumed => path.path.get_ident(),
            _ => None,
        }
    }
}

/// What becomes of a stream that the value is or holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Nothing: the call alone is measured.
    Call,
    /// The value is followed if its type is that of a stream.
    #[default]
    Value,
    /// The value is an `impl Stream`, as far as can be read: the arguments are about its items.
    Direct,
    /// The value holds an `impl Stream`, as far as can be read.
    Opaque,
    /// The value holds a boxed stream, as far as can be read.
    Boxed,
    /// `stream`: it must be or hold one.
    Asked,
}

/// Something that looks at the returned value.
pub(crate) enum Observer {
    /// `ret`, with `ret(level = …)`
    Return(Render, Option<LevelArg>, Span),
    /// `err(expected = pattern)`
    Expected(syn::Pat),
    /// `ok_if = closure`: true is ok.
    OkIf(Expr),
    /// `error_if = closure`: true is an error.
    ErrorIf(Expr),
    /// `err(level = …)`
    Level(LevelArg, Span),
}

/// A measurement beside the span: begun inside it, ended by the value, by a panic or by a drop.
#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum Measurement {
    /// `#[llm_call]`
    LlmCall {
        provider: Text,
        operation: Text,
        model: Text,
        /// What is asked of the provider.
        asked: Vec<(Asked, Expr)>,
        /// A closure on the value.
        usage: Option<Expr>,
        /// A closure on the error.
        refused: Option<Expr>,
        /// Of a stream.
        chunks: Chunks,
    },
    /// `#[vector_op]`
    VectorOp {
        system: Text,
        operation: Text,
        collection: Option<Text>,
        /// A number, or a closure on the value.
        count: Option<Expr>,
        /// A number, or a closure on the value.
        dimensions: Option<Expr>,
    },
    /// `#[agent]` and `#[workflow]`
    Agent {
        name: Text,
        limits: Vec<(Limit, Expr)>,
        timeout: Option<DurationArg>,
        /// Where the first limit stands, if the agent is stopped by it.
        stops: Option<Span>,
        only_flags: bool,
    },
    /// `#[tool_call]`
    Tool {
        name: Text,
        /// The id of the call, by reference.
        id: Option<Expr>,
        /// The parameters that tell a call from others; `None` if it may be repeated.
        told_by: Option<ToldBy>,
    },
}

/// The parameters that tell a call of a tool from another.
pub(crate) struct ToldBy {
    /// `self`, as it is written in the function.
    pub(crate) receiver: Option<Ident>,
    pub(crate) parameters: Vec<Ident>,
}

/// What is asked of the chunks of a streamed answer.
#[derive(Default)]
pub(crate) struct Chunks {
    /// A closure on a chunk: whether it holds output.
    pub(crate) token: Option<Expr>,
    /// How long the stream may stand still, and where that stands.
    pub(crate) stall: Option<Given<DurationArg>>,
}

impl Name {
    /// Whether each call decides about the name.
    pub(crate) fn is_dynamic(&self) -> bool {
        match self {
            Self::OfFunction | Self::Constant(_) => false,
            Self::Dynamic(_) => true,
            Self::Texts(texts) => texts.iter().any(|text| text.literal().is_none()),
        }
    }
}

impl Text {
    /// The text, if it stands in the source.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        as_text(&self.value)
    }
}

impl Measurement {
    /// The texts, in the order in which they are evaluated.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        let texts = match self {
            Self::LlmCall {
                provider,
                operation,
                model,
                ..
            } => [Some(provider), Some(operation), Some(model)],
            Self::VectorOp {
                system,
                operation,
                collection,
                ..
            } => [Some(system), Some(operation), collection.as_ref()],
            Self::Agent { name, .. } | Self::Tool { name, .. } => [Some(name), None, None],
        };
        texts.into_iter().flatten()
    }
}

impl Follow {
    /// Whether items are looked at in place of the value.
    pub(crate) fn items(self) -> bool {
        matches!(
            self,
            Self::Direct | Self::Opaque | Self::Boxed | Self::Asked
        )
    }
}

impl Observer {
    /// Whether it looks at the items of a stream as at the value that holds the stream.
    pub(crate) fn fits_items(&self) -> bool {
        matches!(self, Self::Level(..))
    }
}

impl Site {
    /// Whether the call evaluates any field.
    pub(crate) fn has_values(&self) -> bool {
        self.fields
            .iter()
            .any(|field| !matches!(field.value, FieldValue::Const(_)))
    }
}

impl Plan {
    /// The parameter that `parent` consumes, so that it is none afterwards.
    pub(crate) fn consumed(&self) -> Option<&Ident> {
        self.parent.as_ref()?.consumed()
    }

    /// Whether a recorded call has fields, a name of its own or links.
    pub(crate) fn records_before_the_body(&self) -> bool {
        self.site.name.is_dynamic() || !self.links.is_empty() || self.site.has_values()
    }

    /// Whether code of ours stands between the start of the span and the user's body.
    pub(crate) fn runs_before_the_body(&self) -> bool {
        self.records_before_the_body() || self.measurement.is_some() || self.concurrency
    }
}
