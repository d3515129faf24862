//! The arguments that every function macro shares.

use proc_macro2::{Span, TokenStream};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Token};

use super::{Arg, ArgList, ArgValue, Field, as_bool, as_path, as_text, fields};
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
    pub(crate) parent: Option<Expr>,
    /// `links` and `follows_from`.
    pub(crate) links: Vec<Expr>,
    pub(crate) root: bool,
    pub(crate) no_metrics: bool,
    pub(crate) err: ErrMode,
    /// `err(expected = pattern)`
    pub(crate) expected: Option<syn::Pat>,
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
            (args.err, args.expected) = err(&arg, errors);
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
        if let Some(tokens) = list
            .take("skip")
            .and_then(|arg| arg.list("skip(parameter, …)", errors))
        {
            args.skip = skip(tokens, errors);
        }
        if let Some(arg) = list.take("skip_all") {
            arg.flag(errors);
        }
        not_yet(list, errors);
        args
    }
}

/// Arguments of the grammar that this version does not act on: refused rather than ignored.
fn not_yet(list: &mut ArgList, errors: &mut Errors) {
    if let Some(arg) = list.take("labels") {
        let message = "`labels` does not work yet: use `fields(…)` for data on the span, or a \
                       counter of your own with labels";
        errors.push(arg.span(), message);
    }
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

fn err(arg: &Arg, errors: &mut Errors) -> (ErrMode, Option<syn::Pat>) {
    let mode = match &arg.value {
        ArgValue::Flag => ErrMode::Auto,
        ArgValue::Expr(value) => match as_bool(value) {
            Some(true) => ErrMode::Auto,
            Some(false) => ErrMode::Off,
            None => {
                errors.push_on(
                    value,
                    "`err` takes `true` or `false`; errors are recorded anyway",
                );
                ErrMode::Auto
            }
        },
        ArgValue::List(tokens) => {
            let parsed = err_list.parse2(tokens.clone());
            return errors.take(parsed).unwrap_or_default();
        }
    };
    (mode, None)
}

/// `Debug`, `Display`, `expected = pattern`
fn err_list(input: syn::parse::ParseStream<'_>) -> syn::Result<(ErrMode, Option<syn::Pat>)> {
    let (mut mode, mut expected) = (ErrMode::Auto, None);
    while !input.is_empty() {
        let word: Ident = input.parse()?;
        match word.to_string().as_str() {
            "Debug" if mode == ErrMode::Auto => mode = ErrMode::Debug,
            "Display" if mode == ErrMode::Auto => mode = ErrMode::Display,
            "expected" if expected.is_none() => {
                input.parse::<Token![=]>()?;
                expected = Some(syn::Pat::parse_multi_with_leading_vert(input)?);
            }
            "level" => {
                let message = "this does not work yet: use `err(expected = pattern)` or \
                               `error_if = |ret| …` to say what counts as an error";
                return Err(syn::Error::new(word.span(), message));
            }
            _ => {
                let message = "`err(…)` takes `Debug` or `Display`, and `expected = pattern`";
                return Err(syn::Error::new(word.span(), message));
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok((mode, expected))
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
