//! The arguments of `#[pipeline_task]` alone.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Expr, Ident, LitStr, Path, Token};

use super::duration::DurationArg;
use super::expr::as_bool;
use super::list::{Arg, ArgList, ArgValue, Given, Required};
use crate::errors::Errors;

/// What `#[pipeline_task]` takes beside the shared arguments.
pub(crate) struct TaskArgs {
    pub(crate) pipeline: Required<LitStr>,
    /// Where `cache` stands.
    pub(crate) cache: Option<Span>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<DurationArg>,
    pub(crate) concurrency: Option<LitStr>,
    pub(crate) records: Option<Expr>,
}

/// One entry of `depends_on(…)`.
pub(crate) struct Dependency {
    /// The parameter that takes its output, if there is one.
    pub(crate) name: Ident,
    pub(crate) path: Path,
}

/// The arguments about repetition.
pub(crate) struct Retry {
    pub(crate) retries: Option<Expr>,
    /// A variant of `Backoff`.
    pub(crate) backoff: Option<Given<&'static str>>,
    pub(crate) delay: Option<Given<DurationArg>>,
    pub(crate) max_delay: Option<Given<DurationArg>>,
    pub(crate) jitter: Option<Given<Jitter>>,
}

/// `jitter`, `jitter = true` or `jitter = 0.5`
#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum Jitter {
    /// Whether each pause is shortened, by up to all of it.
    Switch(bool),
    /// By what part of itself each pause may be shortened.
    Part(Expr),
}

impl TaskArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let concurrency = list.take("concurrency");
        Self {
            pipeline: list.required("pipeline", errors, |arg, errors| {
                arg.filled("a pipeline needs a name", errors)
            }),
            cache: list.take("cache").map(|arg| arg.span()),
            dependencies: dependencies(list, errors),
            retry: Retry::take(list, errors),
            timeout: list.take("timeout").and_then(|arg| arg.duration(errors)),
            concurrency: concurrency.and_then(|arg| arg.filled("a limit needs a name", errors)),
            records: list.expr("records", errors),
        }
    }
}

impl Retry {
    fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        Self {
            retries: list.expr("retries", errors),
            backoff: list.given("backoff", errors, backoff),
            delay: list.given("delay", errors, Arg::duration),
            max_delay: list.given("max_delay", errors, Arg::duration),
            jitter: list.given("jitter", errors, jitter),
        }
    }
}

fn backoff(arg: Arg, errors: &mut Errors) -> Option<&'static str> {
    let words = ["none", "constant", "linear", "exponential"];
    Some(match arg.word(&words, errors)? {
        "none" => "None",
        "constant" => "Constant",
        "linear" => "Linear",
        _ => "Exponential",
    })
}

fn jitter(arg: Arg, errors: &mut Errors) -> Option<Jitter> {
    match arg.value {
        ArgValue::Expr(value) if as_bool(&value).is_none() => Some(Jitter::Part(value)),
        _ => arg.switch(errors).map(Jitter::Switch),
    }
}

/// `depends_on(extract, rows = etl::load)`
fn dependencies(list: &mut ArgList, errors: &mut Errors) -> Vec<Dependency> {
    let form = "depends_on(task, parameter = path::to::task)";
    let tokens = list
        .take("depends_on")
        .and_then(|arg| arg.list(form, errors));
    let Some(tokens) = tokens else {
        return Vec::new();
    };
    let parse = |input: ParseStream<'_>| {
        Punctuated::<Dependency, Token![,]>::parse_terminated_with(input, dependency)
    };
    let parsed = errors.take(parse.parse2(tokens)).unwrap_or_default();
    parsed.into_iter().collect()
}

fn dependency(input: ParseStream<'_>) -> syn::Result<Dependency> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        return Err(syn::Error::new(
            text.span(),
            format!(
                "a dependency is the path of its function, not text: `depends_on({})`",
                text.value()
            ),
        ));
    }
    if input.peek(syn::Ident::peek_any) && input.peek2(Token![=]) {
        let name = Ident::parse_any(input)?;
        input.parse::<Token![=]>()?;
        let path = input.call(Path::parse_mod_style)?;
        return Ok(Dependency { name, path });
    }
    let path = input.call(Path::parse_mod_style)?;
    match path.segments.last() {
        Some(last) => Ok(Dependency {
            name: last.ident.clone(),
            path,
        }),
        None => Err(syn::Error::new(path.span(), "expected the path of a task")),
    }
}
