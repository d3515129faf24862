//! The arguments that every macro on functions takes.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Token};

use super::expr::{as_bool, as_path, plain};
use super::fields::{self, Field, FieldKey};
use super::label::Label;
use super::level::{self, LevelArg};
use super::list::{Arg, ArgList, ArgValue, Given};
use super::span::check_name;
use crate::errors::Errors;

/// How errors are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum ErrMode {
    /// Type and message, whatever the type offers.
    #[default]
    Auto,
    /// `err(Debug)`
    Debug,
    /// `err(Display)`
    Display,
    /// `err = false`
    Off,
}

/// How a value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Render {
    Debug,
    Display,
}

/// `ret`
#[derive(Default)]
pub(crate) struct Ret {
    /// `Debug`, which is the default, or `Display`.
    pub(crate) render: Option<Render>,
    /// `ret(level = …)`
    pub(crate) level: Option<LevelArg>,
}

/// What is said of the parameters as a whole.
#[derive(Default)]
pub(crate) struct Parameters {
    /// `args`, or `skip` with names
    pub(crate) recorded: bool,
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: bool,
    /// Where `skip` stands, if no parameters follow it.
    pub(crate) bare_skip: Option<Span>,
}

/// Fields that are declared, and have a value later.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) keys: Vec<FieldKey>,
    /// What `tracing` calls `field::Empty`.
    pub(crate) empties: Vec<Expr>,
}

/// The shared arguments, as they were written; `valid` judges them with the function.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<Given<Expr>>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) level: Option<LevelArg>,
    pub(crate) target: Option<Expr>,
    pub(crate) fields: Vec<Field>,
    /// The fields that are declared, and have a value later.
    pub(crate) declared: Declared,
    pub(crate) labels: Option<Given<Vec<Label>>>,
    pub(crate) parent: Option<Given<Expr>>,
    /// `links` and `follows_from`.
    pub(crate) links: Vec<Expr>,
    pub(crate) root: bool,
    pub(crate) no_metrics: bool,
    /// Where `timings` stands.
    pub(crate) timings: Option<Span>,
    /// Where `track_concurrency` stands.
    pub(crate) concurrency: Option<Span>,
    pub(crate) err: ErrMode,
    /// `err(expected = pattern)`
    pub(crate) expected: Option<syn::Pat>,
    /// `err(level = …)`
    pub(crate) err_level: Option<LevelArg>,
    /// Where `err` stands.
    pub(crate) err_span: Option<Span>,
    pub(crate) ret: Option<Given<Ret>>,
    pub(crate) ok_if: Option<Expr>,
    pub(crate) error_if: Option<Given<Expr>>,
    pub(crate) parameters: Parameters,
    pub(crate) crate_path: Option<Path>,
}

impl Args {
    /// Takes the shared arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let mut args = Self {
            name: list.given("name", errors, name),
            kind: list.take("kind").and_then(|arg| kind(arg, errors)),
            level: list.take("level").and_then(|arg| level::read(arg, errors)),
            target: list.expr("target", errors),
            ok_if: list
                .take("ok_if")
                .and_then(|arg| arg.closure("|out| !out.is_empty()", errors)),
            crate_path: crate_path(list, errors),
            ..Self::default()
        };
        let on = |switch: Option<Given<bool>>| switch.filter(|on| on.value).map(|on| on.at);
        if let Some(tokens) = list
            .take("fields")
            .and_then(|arg| arg.list("fields(key = value, …)", errors))
        {
            args.fields = fields::parse(tokens, errors);
        }
        args.error_if = list.given("error_if", errors, |arg, errors| {
            arg.closure("|out| out.is_empty()", errors)
        });
        if let Some(arg) = list.take("err") {
            args.err_span = Some(arg.span());
            err(&arg, &mut args, errors);
        }
        args.ret = list.given("ret", errors, |arg, errors| ret(&arg, errors));
        for name in ["links", "follows_from"] {
            args.links.extend(list.expr(name, errors));
        }
        args.root = on(list.switch("root", errors)).is_some();
        args.parent = list.given("parent", errors, Arg::expr);
        args.no_metrics = list
            .take("metrics")
            .and_then(|arg| arg.switch(errors))
            .is_some_and(|on| !on);
        args.timings = on(list.switch("timings", errors));
        args.concurrency = on(list.switch("track_concurrency", errors));
        args.labels = list.given("labels", errors, labels);
        args.parameters = Parameters::take(list, errors);
        args
    }
}

impl Parameters {
    /// `skip(name, …)` asks for `args`: without it there would be nothing to leave out.
    fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let mut this = Self::default();
        let args = list.switch("args", errors).map(|on| on.value);
        if let Some(arg) = list.take("skip") {
            match arg.value {
                ArgValue::Flag => this.bare_skip = Some(arg.span()),
                _ => this.skip = skip(arg, errors),
            }
        }
        if let Some(arg) = list.take("skip_all") {
            this.skip_all = arg.flag(errors).is_some();
        }
        this.recorded = args.unwrap_or(!this.skip.is_empty());
        this
    }
}

/// `labels(key = value, …)`
fn labels(arg: Arg, errors: &mut Errors) -> Option<Vec<Label>> {
    let tokens = arg.list("labels(key = value, …)", errors)?;
    let parse = Punctuated::<Label, Token![,]>::parse_terminated;
    let labels = errors.take(parse.parse2(tokens)).unwrap_or_default();
    Some(labels.into_iter().collect())
}

fn name(arg: Arg, errors: &mut Errors) -> Option<Expr> {
    let value = arg.expr(errors)?;
    if !check_name(&value, errors) {
        return None;
    }
    if let Expr::Lit(lit) = plain(&value)
        && !matches!(lit.lit, syn::Lit::Str(_))
    {
        errors.push_on(&value, "`name` takes a string: `name = \"…\"`");
        return None;
    }
    Some(value)
}

fn kind(arg: Arg, errors: &mut Errors) -> Option<&'static str> {
    let words = ["client", "server", "producer", "consumer", "internal"];
    let variant = match arg.word(&words, errors)? {
        "client" => "Client",
        "server" => "Server",
        "producer" => "Producer",
        "consumer" => "Consumer",
        _ => "Internal",
    };
    Some(variant)
}

fn err(arg: &Arg, args: &mut Args, errors: &mut Errors) {
    match &arg.value {
        ArgValue::Flag => {}
        ArgValue::Expr(value) => match as_bool(value) {
            Some(true) => {}
            Some(false) => args.err = ErrMode::Off,
            None => errors.push_on(
                value,
                "`err` takes `true` or `false`; errors are recorded anyway",
            ),
        },
        ArgValue::List(tokens) => {
            let parse = |input: ParseStream<'_>| err_list(input, args, errors);
            if let Err(error) = parse.parse2(tokens.clone()) {
                errors.add(error);
            }
        }
    }
}

/// `Debug`, `Display`, `expected = pattern`, `level = "…"`
fn err_list(input: ParseStream<'_>, args: &mut Args, errors: &mut Errors) -> syn::Result<()> {
    while !input.is_empty() {
        let word: Ident = input.parse()?;
        match word.to_string().as_str() {
            "Debug" if args.err == ErrMode::Auto => args.err = ErrMode::Debug,
            "Display" if args.err == ErrMode::Auto => args.err = ErrMode::Display,
            "expected" if args.expected.is_none() => {
                input.parse::<Token![=]>()?;
                args.expected = Some(syn::Pat::parse_multi_with_leading_vert(input)?);
            }
            "level" if args.err_level.is_none() => {
                args.err_level = level_in_list(word, input, errors)?;
            }
            _ => {
                let message = "`err(…)` takes `Debug` or `Display`, `expected = pattern` and `level = \"warn\"`";
                return Err(syn::Error::new(word.span(), message));
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

fn ret(arg: &Arg, errors: &mut Errors) -> Option<Ret> {
    match &arg.value {
        ArgValue::Flag => Some(Ret::default()),
        ArgValue::Expr(value) => {
            if let Some(on) = as_bool(value) {
                on.then(Ret::default)
            } else {
                errors.push_on(
                    value,
                    "`ret` is written `ret`, `ret(Debug)` or `ret(Display)`",
                );
                None
            }
        }
        ArgValue::List(tokens) => {
            let parse = |input: ParseStream<'_>| ret_list(input, errors);
            let parsed = parse.parse2(tokens.clone());
            errors.take(parsed)
        }
    }
}

/// `Debug` or `Display`, `level = "…"`
fn ret_list(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Ret> {
    let mut ret = Ret::default();
    while !input.is_empty() {
        let word: Ident = input
            .parse()
            .map_err(|e| syn::Error::new(e.span(), RET_FORMS))?;
        match word.to_string().as_str() {
            "Debug" if ret.render.is_none() => ret.render = Some(Render::Debug),
            "Display" if ret.render.is_none() => ret.render = Some(Render::Display),
            "level" if ret.level.is_none() && input.peek(Token![=]) => {
                ret.level = level_in_list(word, input, errors)?;
            }
            _ => return Err(syn::Error::new(word.span(), RET_FORMS)),
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(ret)
}

/// What stands between the parentheses of `ret`.
const RET_FORMS: &str = "`ret(…)` takes `Debug` or `Display`, and `level = \"debug\"`";

/// `= value` behind the word `level`.
fn level_in_list(
    word: Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Option<LevelArg>> {
    input.parse::<Token![=]>()?;
    let value = ArgValue::Expr(input.parse()?);
    Ok(level::read(Arg { name: word, value }, errors))
}

/// How `skip` is written.
pub(crate) const SKIP: &str = "skip(parameter, …)";

fn skip(arg: Arg, errors: &mut Errors) -> Vec<Ident> {
    let Some(tokens) = arg.list(SKIP, errors) else {
        return Vec::new();
    };
    let idents = (|input: ParseStream<'_>| {
        Punctuated::<Ident, Token![,]>::parse_terminated_with(input, |i| i.call(Ident::parse_any))
    })
    .parse2(tokens);
    let message = "`skip(…)` takes names of parameters";
    let idents = idents.map_err(|error| syn::Error::new(error.span(), message));
    errors
        .take(idents)
        .map(|all| all.into_iter().collect())
        .unwrap_or_default()
}

/// `crate = path`
fn crate_path(list: &mut ArgList, errors: &mut Errors) -> Option<Path> {
    let value = list.take("crate")?.expr(errors)?;
    let path = as_path(&value);
    if path.is_none() {
        errors.push_on(
            &value,
            "`crate` takes the path of obs_runtime: `crate = facade::obs_runtime`",
        );
    }
    path
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
