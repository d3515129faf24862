//! The arguments that every function macro shares.

use proc_macro2::{Span, TokenStream};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Token};

use super::{Arg, ArgList, ArgValue, Field, as_bool, as_path, as_text, fields};
use crate::errors::Errors;
use crate::valid::labels::{self, Label};

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

/// `level = …`
pub(crate) enum LevelArg {
    /// A variant of `Level`.
    Variant(&'static str),
    /// A constant of the user.
    Path(Path),
}

/// The shared arguments, as they were written; `valid` judges them with the function.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<Expr>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) level: Option<LevelArg>,
    pub(crate) target: Option<Expr>,
    pub(crate) fields: Vec<Field>,
    pub(crate) labels: Vec<Label>,
    pub(crate) parent: Option<Expr>,
    /// `links` and `follows_from`.
    pub(crate) links: Vec<Expr>,
    pub(crate) root: bool,
    pub(crate) no_metrics: bool,
    /// Where `timings` stands.
    pub(crate) timings: Option<Span>,
    /// `track_concurrency`
    pub(crate) concurrency: bool,
    pub(crate) err: ErrMode,
    /// `err(expected = pattern)`
    pub(crate) expected: Option<syn::Pat>,
    /// `err(level = …)`
    pub(crate) err_level: Option<LevelArg>,
    /// Where `err` stands.
    pub(crate) err_span: Option<Span>,
    pub(crate) ret: Option<Render>,
    pub(crate) ret_span: Option<Span>,
    pub(crate) ok_if: Option<Expr>,
    pub(crate) error_if: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) crate_path: Option<Path>,
}

impl Args {
    /// Takes the shared arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let mut args = Self {
            name: list.take("name").and_then(|arg| name(arg, errors)),
            kind: list.take("kind").and_then(|arg| kind(arg, errors)),
            level: list.take("level").and_then(|arg| level(arg, errors)),
            target: list.take("target").and_then(|arg| arg.expr(errors)),
            ok_if: list.take("ok_if").and_then(|arg| arg.expr(errors)),
            crate_path: crate_path(list, errors),
            ..Self::default()
        };
        if let Some(tokens) = list
            .take("fields")
            .and_then(|arg| arg.list("fields(key = value, …)", errors))
        {
            args.fields = fields::parse(tokens, errors);
        }
        if let Some(arg) = list.take("error_if") {
            let span = arg.span();
            args.error_if = arg.expr(errors);
            if args.ok_if.is_some() {
                errors.push(
                    span,
                    "`ok_if` and `error_if` answer the same question: keep one",
                );
            }
        }
        if let Some(arg) = list.take("err") {
            args.err_span = Some(arg.span());
            err(&arg, &mut args, errors);
        }
        if let Some(arg) = list.take("ret") {
            args.ret_span = Some(arg.span());
            args.ret = ret(&arg, errors);
        }
        for name in ["links", "follows_from"] {
            args.links
                .extend(list.take(name).and_then(|arg| arg.expr(errors)));
        }
        args.root = list
            .take("root")
            .and_then(|arg| arg.switch(errors))
            .unwrap_or(false);
        args.parent = parent(list, &mut args.root, errors);
        args.no_metrics = list
            .take("metrics")
            .and_then(|arg| arg.switch(errors))
            .is_some_and(|on| !on);
        args.timings = list.take("timings").and_then(|arg| {
            let span = arg.span();
            arg.switch(errors)?.then_some(span)
        });
        args.concurrency = concurrency(list, args.no_metrics, errors);
        args.labels = labels(list, args.no_metrics, errors);
        if let Some(tokens) = list
            .take("skip")
            .and_then(|arg| arg.list("skip(parameter, …)", errors))
        {
            args.skip = skip(tokens, errors);
        }
        if let Some(arg) = list.take("skip_all") {
            arg.flag(errors);
        }
        args
    }
}

/// `track_concurrency`
fn concurrency(list: &mut ArgList, no_metrics: bool, errors: &mut Errors) -> bool {
    let Some(arg) = list.take("track_concurrency") else {
        return false;
    };
    let span = arg.span();
    let on = arg.switch(errors).unwrap_or(false);
    if on && no_metrics {
        errors.push(
            span,
            "`track_concurrency` makes a metric, which `metrics = false` turns off: keep one of the two",
        );
    }
    on
}

/// Labels that the function metrics have already, and that of a histogram's buckets.
const RESERVED_LABELS: &[&str] = &["function", "le", "module", "result"];

/// `labels(key = value, …)`
fn labels(list: &mut ArgList, no_metrics: bool, errors: &mut Errors) -> Vec<Label> {
    let Some(arg) = list.take("labels") else {
        return Vec::new();
    };
    let span = arg.span();
    let Some(tokens) = arg.list("labels(key = value, …)", errors) else {
        return Vec::new();
    };
    if no_metrics {
        errors.push(
            span,
            "`labels` are those of the metrics, which `metrics = false` turns off: keep one of the two",
        );
    }
    let parse = Punctuated::<Label, Token![,]>::parse_terminated;
    let labels: Vec<Label> = errors
        .take(parse.parse2(tokens))
        .map(|labels| labels.into_iter().collect())
        .unwrap_or_default();
    labels::check(&labels, RESERVED_LABELS, errors);
    labels
}

/// `parent = expression`; `parent = None` is `root`.
fn parent(list: &mut ArgList, root: &mut bool, errors: &mut Errors) -> Option<Expr> {
    let arg = list.take("parent")?;
    let span = arg.span();
    let value = arg.expr(errors)?;
    if *root {
        errors.push(
            span,
            "`root` says that there is no parent: keep one of the two",
        );
        return None;
    }
    if as_path(&value).is_some_and(|path| path.is_ident("None")) {
        *root = true;
        return None;
    }
    Some(value)
}

fn name(arg: Arg, errors: &mut Errors) -> Option<Expr> {
    let value = arg.expr(errors)?;
    if as_text(&value).is_some_and(|text| text.value().trim().is_empty()) {
        errors.push_on(&value, "a span needs a name");
        return None;
    }
    if let Expr::Lit(lit) = super::plain(&value)
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

fn level(arg: Arg, errors: &mut Errors) -> Option<LevelArg> {
    if let ArgValue::Expr(value) = &arg.value
        && as_text(value).is_none()
        && let Some(path) = as_path(value)
    {
        return Some(LevelArg::Path(path));
    }
    let words = ["error", "warn", "info", "debug", "trace"];
    let variant = match arg.word(&words, errors)? {
        "error" => "Error",
        "warn" => "Warn",
        "debug" => "Debug",
        "trace" => "Trace",
        _ => "Info",
    };
    Some(LevelArg::Variant(variant))
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
            let parse = |input: syn::parse::ParseStream<'_>| err_list(input, args, errors);
            if let Err(error) = parse.parse2(tokens.clone()) {
                errors.add(error);
            }
        }
    }
}

/// `Debug`, `Display`, `expected = pattern`, `level = "…"`
fn err_list(
    input: syn::parse::ParseStream<'_>,
    args: &mut Args,
    errors: &mut Errors,
) -> syn::Result<()> {
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
                input.parse::<Token![=]>()?;
                let value = ArgValue::Expr(input.parse()?);
                args.err_level = level(Arg { name: word, value }, errors);
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

fn ret(arg: &Arg, errors: &mut Errors) -> Option<Render> {
    match &arg.value {
        ArgValue::Flag => Some(Render::Debug),
        ArgValue::Expr(value) => {
            if let Some(on) = as_bool(value) {
                on.then_some(Render::Debug)
            } else {
                errors.push_on(
                    value,
                    "`ret` is written `ret`, `ret(Debug)` or `ret(Display)`",
                );
                None
            }
        }
        ArgValue::List(tokens) => render(tokens, errors),
    }
}

/// `Debug` or `Display` inside the parentheses of `ret`.
fn render(tokens: &TokenStream, errors: &mut Errors) -> Option<Render> {
    let word = errors
        .take(syn::parse2::<Expr>(tokens.clone()).map_err(|error| {
            syn::Error::new(error.span(), "`ret(…)` takes `Debug` or `Display`")
        }))?;
    match as_path(&word) {
        Some(path) if path.is_ident("Debug") => Some(Render::Debug),
        Some(path) if path.is_ident("Display") => Some(Render::Display),
        _ => {
            errors.push_on(word, "`ret(…)` takes `Debug` or `Display`");
            None
        }
    }
}

fn skip(tokens: TokenStream, errors: &mut Errors) -> Vec<Ident> {
    use syn::ext::IdentExt as _;
    let idents = (|input: syn::parse::ParseStream<'_>| {
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
pub(crate) fn crate_path(list: &mut ArgList, errors: &mut Errors) -> Option<Path> {
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
