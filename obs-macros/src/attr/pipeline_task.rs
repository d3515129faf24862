//! The arguments of `#[pipeline_task]` alone.

use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, Ident, Lit, LitStr, Path, Token};

use super::cache::{Cache, cache};
use super::duration::DurationArg;
use super::expr::{as_bool, as_text, plain};
use super::list::{Arg, ArgList, ArgValue, Given, Required};
use crate::errors::Errors;

/// What `#[pipeline_task]` takes beside the shared arguments.
pub(crate) struct TaskArgs {
    pub(crate) pipeline: Required<LitStr>,
    pub(crate) cache: Option<Given<Cache>>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) retry: Retry,
    /// `timeout`, `deadline` and `queue_timeout`.
    pub(crate) times: [Option<DurationArg>; 3],
    /// A variant of `RunIf`.
    pub(crate) run_if: Option<Given<&'static str>>,
    pub(crate) when: Option<Given<ExprClosure>>,
    pub(crate) map: Option<Given<Map>>,
    pub(crate) concurrency: Option<LitStr>,
    /// A variant of `Effects`.
    pub(crate) effects: Option<Given<&'static str>>,
    /// What the user adds to the version: a text.
    pub(crate) version: Option<Expr>,
    pub(crate) records: Option<Expr>,
}

/// One entry of `depends_on(…)`.
pub(crate) struct Dependency {
    /// The parameter that takes its output, if there is one.
    pub(crate) name: Ident,
    pub(crate) path: Path,
}

/// The arguments about repetition.
#[allow(clippy::struct_field_names, reason = "as users write them")]
pub(crate) struct Retry {
    pub(crate) retries: Option<Expr>,
    /// A variant of `Backoff`.
    pub(crate) backoff: Option<Given<&'static str>>,
    pub(crate) delay: Option<Given<DurationArg>>,
    pub(crate) max_delay: Option<Given<DurationArg>>,
    pub(crate) jitter: Option<Given<Jitter>>,
    pub(crate) max_elapsed: Option<Given<DurationArg>>,
    /// Closures that look at the error.
    pub(crate) retry_if: Option<Given<Expr>>,
    pub(crate) retry_after: Option<Given<Expr>>,
}

/// `map(page in load, parallel = 8, max = 10_000, allow_failed = "5%")`
pub(crate) struct Map {
    /// The parameter that takes an item.
    pub(crate) item: Ident,
    /// The name of the dependency whose output has the items.
    pub(crate) source: Ident,
    pub(crate) parallel: Option<Expr>,
    pub(crate) max: Option<Expr>,
    pub(crate) allow_failed: Option<AllowFailed>,
}

/// `allow_failed = 3` or `allow_failed = "5%"`
#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum AllowFailed {
    Count(Expr),
    /// From 0 to 1.
    Part(f64),
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
            cache: list.given("cache", errors, cache),
            dependencies: dependencies(list, errors),
            retry: Retry::take(list, errors),
            times: ["timeout", "deadline", "queue_timeout"]
                .map(|name| list.take(name).and_then(|arg| arg.duration(errors))),
            run_if: list.given("run_if", errors, run_if),
            when: list.given("when", errors, when),
            map: list.given("map", errors, map),
            concurrency: concurrency.and_then(|arg| arg.filled("a limit needs a name", errors)),
            effects: list.given("effects", errors, effects),
            version: list.take("version").and_then(|arg| version(arg, errors)),
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
            max_elapsed: list.given("max_elapsed", errors, Arg::duration),
            retry_if: list.given("retry_if", errors, |arg, errors| {
                arg.closure("|error: &Error| error.is_transient()", errors)
            }),
            retry_after: list.given("retry_after", errors, |arg, errors| {
                arg.closure("|error: &Error| error.retry_after()", errors)
            }),
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

fn run_if(arg: Arg, errors: &mut Errors) -> Option<&'static str> {
    let words = ["success", "done", "failed", "any_success"];
    Some(match arg.word(&words, errors)? {
        "success" => "Success",
        "done" => "Done",
        "failed" => "Failed",
        _ => "AnySuccess",
    })
}

fn effects(arg: Arg, errors: &mut Errors) -> Option<&'static str> {
    let words = ["none", "idempotent", "once"];
    Some(match arg.word(&words, errors)? {
        "none" => "None",
        "idempotent" => "Idempotent",
        _ => "Once",
    })
}

/// `version = "2"`, `version = 2`, or a constant text.
fn version(arg: Arg, errors: &mut Errors) -> Option<Expr> {
    let value = arg.expr(errors)?;
    let Expr::Lit(lit) = plain(&value) else {
        return Some(value);
    };
    let text = match &lit.lit {
        Lit::Str(text) => text.value(),
        Lit::Int(number) => number.base10_digits().to_owned(),
        _ => String::new(),
    };
    if text.trim().is_empty() {
        let message = "`version` is a text or a whole number that changes with what the compiler does not see: `version = 2`";
        errors.push_on(&value, message);
        return None;
    }
    let text = LitStr::new(&text, lit.span());
    Some(syn::parse_quote!(#text))
}

/// `when = |load| !load.is_empty()`: the parameters are outputs, so it must be a closure here.
fn when(arg: Arg, errors: &mut Errors) -> Option<ExprClosure> {
    let value = arg.expr(errors)?;
    match plain(&value) {
        Expr::Closure(closure) if closure.asyncness.is_none() => Some(closure.clone()),
        _ => {
            let message = "`when` takes a closure over outputs: `when = |load| !load.is_empty()`";
            errors.push_on(&value, message);
            None
        }
    }
}

fn map(arg: Arg, errors: &mut Errors) -> Option<Map> {
    let form = "map(item in task, parallel = 8, max = 10_000, allow_failed = \"5%\")";
    let tokens = arg.list(form, errors)?;
    errors.take(parse_map.parse2(tokens))
}

fn parse_map(input: ParseStream<'_>) -> syn::Result<Map> {
    let form = "`map` begins with `item in task`: the parameter, and the dependency whose output has the items";
    let here = input.span();
    let names = (|| {
        let item = Ident::parse_any(input)?;
        input.parse::<Token![in]>()?;
        syn::Result::Ok((item, Ident::parse_any(input)?))
    })();
    let (item, source) = names.map_err(|_| syn::Error::new(here, form))?;
    let mut map = Map {
        item,
        source,
        parallel: None,
        max: None,
        allow_failed: None,
    };
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let name = Ident::parse_any(input)?;
        input.parse::<Token![=]>()?;
        let value: Expr = input.parse()?;
        let is_twice = match name.to_string().as_str() {
            "parallel" => map.parallel.replace(value).is_some(),
            "max" => map.max.replace(value).is_some(),
            "allow_failed" => map.allow_failed.replace(allow_failed(value)?).is_some(),
            _ => {
                let message = format!(
                    "`map` has no argument `{name}`; it takes `parallel`, `max` and `allow_failed`"
                );
                return Err(syn::Error::new(name.span(), message));
            }
        };
        if is_twice {
            let message = format!("`{name}` is given twice");
            return Err(syn::Error::new(name.span(), message));
        }
    }
    Ok(map)
}

fn allow_failed(value: Expr) -> syn::Result<AllowFailed> {
    let Some(text) = as_text(&value) else {
        return Ok(AllowFailed::Count(value));
    };
    let part = text.value();
    let part = part.trim().strip_suffix('%').map(str::trim);
    let part = part.and_then(|part| part.parse::<f64>().ok());
    match part.filter(|part| (0.0..=100.0).contains(part)) {
        Some(part) => Ok(AllowFailed::Part(part / 100.0)),
        None => Err(syn::Error::new(
            text.span(),
            "`allow_failed` is a number of items or a part of them from \"0%\" to \"100%\"",
        )),
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
