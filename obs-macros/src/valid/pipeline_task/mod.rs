//! `#[pipeline_task]`: the arguments and the rules for them; `params` has those for the function.

mod params;

pub(crate) use params::{check_output, check_signature};

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Expr, Ident, LitStr, Path, Token, Type};

use crate::ast::{Function, Item};
use crate::attr::table::PIPELINE_TASK;
use crate::attr::{
    Arg, ArgList, ArgValue, Args, DurationArg, Field, FieldKey, FieldValue, as_bool,
};
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::{expand, fallback, valid};

/// What the expansion needs to know; nothing in it can be wrong.
pub(crate) struct Task {
    pub(crate) pipeline: LitStr,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) params: Vec<Param>,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<DurationArg>,
    pub(crate) concurrency: Option<LitStr>,
    pub(crate) records: Option<Expr>,
    /// `ok_if` and `error_if`: the closure, and which answer fails the task.
    pub(crate) judge: Option<(Expr, bool)>,
}

/// One entry of `depends_on(…)`.
pub(crate) struct Dependency {
    /// The parameter that takes its output, if there is one.
    pub(crate) name: Ident,
    pub(crate) path: Path,
}

/// Where a parameter's value comes from.
pub(crate) enum Param {
    /// The output of the dependency at this position, as a reference.
    Shared { position: usize, ty: Type },
    /// The output of the dependency at this position.
    Output { position: usize, ty: Type },
    /// `&T` of the run.
    Lent { ty: Type },
    /// `T` of the run.
    Value { ty: Type },
}

/// Repetition, as it was written.
#[derive(Default)]
pub(crate) struct Retry {
    pub(crate) retries: Option<Expr>,
    /// A variant of `Backoff`.
    pub(crate) backoff: Option<&'static str>,
    pub(crate) delay: Option<DurationArg>,
    pub(crate) max_delay: Option<DurationArg>,
    pub(crate) jitter: Option<TokenStream>,
}

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take(syn::parse2::<Item>(item.clone()));
    let expanded = parsed.and_then(|parsed| on_item(tokens, parsed, &mut errors));
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => {
            let stand_in = syn::parse2(item.clone()).ok();
            let mut beside = fallback::beside(errors, item);
            beside.extend(stand_in.and_then(|item| expand::pipeline_task::stand_in(&item)));
            beside
        }
    }
}

fn on_item(tokens: TokenStream, item: Item, errors: &mut Errors) -> Option<TokenStream> {
    needs_feature(PIPELINE_TASK.name, errors);
    let mut list = ArgList::parse(tokens, &PIPELINE_TASK, errors);
    let mut own = own(&mut list, errors);
    let mut args = Args::take(&mut list, errors);
    let function = valid::function(item, &PIPELINE_TASK, errors)?;
    check_signature(PIPELINE_TASK.name, &function.sig, errors);
    check_output(&function.sig.output, errors);
    if let Some(name) = args
        .name
        .as_ref()
        .filter(|n| valid::is_dynamic(n, &function))
    {
        let message = "the name of a task is constant: the pipeline is built from it";
        errors.push_on(name, message);
    }
    let dependencies = core::mem::take(&mut own.dependencies);
    let params = params::params(&function.sig, &dependencies, errors);
    let task = Task {
        pipeline: own.pipeline?,
        dependencies,
        params,
        retry: own.retry,
        timeout: own.timeout,
        concurrency: own.concurrency,
        records: own.records,
        judge: match (&args.ok_if, &args.error_if) {
            (Some(closure), _) => Some((closure.clone(), false)),
            (None, Some(closure)) => Some((closure.clone(), true)),
            (None, None) => None,
        },
    };
    args.fields.extend(fields(&task, args.crate_path.as_ref()));
    let span = valid::Own {
        construct: "PipelineTask",
        ..valid::Own::default()
    };
    let plan = valid::plan(args, span, &function, errors);
    errors
        .is_empty()
        .then(|| expand::pipeline_task::expand(&function, &plan, &task))
}

/// The macros are the same in every feature set; the runtime is not.
pub(crate) fn needs_feature(name: &str, errors: &mut Errors) {
    if !cfg!(feature = "pipeline") {
        errors.push(
            Span::call_site(),
            format!(
                "`#[{name}]` needs the feature `pipeline`: write `obs-runtime = {{ version = \"…\", features = [\"pipeline\"] }}` in Cargo.toml"
            ),
        );
    }
}

/// The arguments that only tasks have.
#[derive(Default)]
struct Own {
    pipeline: Option<LitStr>,
    dependencies: Vec<Dependency>,
    retry: Retry,
    timeout: Option<DurationArg>,
    concurrency: Option<LitStr>,
    records: Option<Expr>,
}

fn own(list: &mut ArgList, errors: &mut Errors) -> Own {
    let pipeline = if let Some(arg) = list.take("pipeline") {
        non_empty(arg, "a pipeline needs a name", errors)
    } else {
        let message =
            "say which pipeline the task belongs to: `#[pipeline_task(pipeline = \"…\")]`";
        errors.push(Span::call_site(), message);
        None
    };
    if let Some(arg) = list.take("cache") {
        let message = "`cache` does not work yet: outputs are kept for one run only; keep them yourself, in a `Resource<T>`";
        errors.push(arg.span(), message);
    }
    let concurrency = list.take("concurrency");
    Own {
        pipeline,
        dependencies: dependencies(list, errors),
        retry: retry(list, errors),
        timeout: list.take("timeout").and_then(|arg| arg.duration(errors)),
        concurrency: concurrency.and_then(|arg| non_empty(arg, "a limit needs a name", errors)),
        records: list.take("records").and_then(|arg| arg.expr(errors)),
    }
}

pub(crate) fn non_empty(arg: Arg, message: &str, errors: &mut Errors) -> Option<LitStr> {
    let text = arg.text(errors)?;
    if text.value().trim().is_empty() {
        errors.push(text.span(), message);
        return None;
    }
    Some(text)
}

fn retry(list: &mut ArgList, errors: &mut Errors) -> Retry {
    let retries = list.take("retries").and_then(|arg| arg.expr(errors));
    for name in ["backoff", "delay", "max_delay", "jitter"] {
        if retries.is_none()
            && let Some(arg) = list.take(name)
        {
            let message = format!("`{name}` is about repetition: say how often with `retries = 3`");
            errors.push(arg.span(), message);
        }
    }
    let words = ["none", "constant", "linear", "exponential"];
    let backoff = list
        .take("backoff")
        .and_then(|arg| arg.word(&words, errors));
    Retry {
        retries,
        backoff: backoff.map(|word| match word {
            "none" => "None",
            "constant" => "Constant",
            "linear" => "Linear",
            _ => "Exponential",
        }),
        delay: list.take("delay").and_then(|arg| arg.duration(errors)),
        max_delay: list.take("max_delay").and_then(|arg| arg.duration(errors)),
        jitter: list.take("jitter").and_then(|arg| jitter(arg, errors)),
    }
}

/// `jitter`, `jitter = true` or `jitter = 0.5`
fn jitter(arg: Arg, errors: &mut Errors) -> Option<TokenStream> {
    match &arg.value {
        ArgValue::Expr(value) if as_bool(value).is_none() => Some(quote!(#value)),
        _ => Some(if arg.switch(errors)? {
            quote!(1.0)
        } else {
            quote!(0.0)
        }),
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
    let mut known: Vec<Dependency> = Vec::new();
    for dependency in parsed {
        let path = &dependency.path;
        let same_path = |d: &Dependency| {
            quote!(#path).to_string() == {
                let other = &d.path;
                quote!(#other).to_string()
            }
        };
        if known.iter().any(same_path) {
            errors.push_on(path, "this dependency is given twice");
        } else if known
            .iter()
            .any(|d| d.name.unraw() == dependency.name.unraw())
        {
            let message = format!(
                "two dependencies have the name `{}`: name one of them, `parameter = path::to::task`",
                dependency.name
            );
            errors.push(dependency.name.span(), message);
        } else {
            known.push(dependency);
        }
    }
    known
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

/// What every span of the task says.
fn fields(task: &Task, crate_path: Option<&Path>) -> [Field; 2] {
    let krate = crate::crate_path::resolve(crate_path);
    let pipeline = &task.pipeline;
    let span = Span::mixed_site();
    let attempt = syn::parse_quote!(#krate::private::pipeline::span_began());
    [
        Field {
            key: FieldKey::Text("obs.pipeline.name".to_owned()),
            value: FieldValue::Const(quote!(Str(#pipeline))),
            span,
        },
        Field {
            key: FieldKey::Text("obs.task.attempt".to_owned()),
            value: FieldValue::Capture(attempt),
            span,
        },
    ]
}

/// The function of a task or handler, for the generated call.
pub(crate) fn cfgs(function: &Function) -> Vec<&syn::Attribute> {
    let attrs = function.attrs.iter();
    attrs.filter(|attr| attr.path().is_ident("cfg")).collect()
}
