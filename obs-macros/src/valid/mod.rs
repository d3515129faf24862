//! The rules: what the arguments mean for this function, or why they cannot be used.

pub(crate) mod conventions;
pub(crate) mod follow;
pub(crate) mod handler;
pub(crate) mod label_derive;
pub(crate) mod labels;
pub(crate) mod main_fn;
pub(crate) mod metric;
pub(crate) mod pipeline_task;
pub(crate) mod returned_stream;
pub(crate) mod span;
pub(crate) mod traced;

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, FnArg, Ident, Pat, ReturnType};

use crate::ast::{Function, Item};
use crate::attr::table::{Table, nearest};
use crate::attr::{Args, ErrMode, Field, FieldValue, LevelArg, Render, plain};
use crate::crate_path;
use crate::errors::Errors;

use crate::hygiene::quote;
use crate::shape::{self, Shape};
use labels::Label;

/// What the static callsite says.
#[derive(Default)]
pub(crate) struct Site {
    /// The path of `obs_runtime`.
    pub(crate) krate: TokenStream,
    /// The variant of `Construct`; `Traced` if empty.
    pub(crate) construct: &'static str,
    /// The span's name if it is constant; else the function's.
    pub(crate) name: Option<TokenStream>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) level: Option<LevelArg>,
    pub(crate) target: Option<Expr>,
    pub(crate) fields: Vec<Field>,
    pub(crate) root: bool,
    pub(crate) no_metrics: bool,
}

/// What the expansion needs to know; nothing in it can be wrong.
pub(crate) struct Plan {
    pub(crate) site: Site,
    pub(crate) shape: Shape,
    /// The span's name if the call decides.
    pub(crate) dynamic_name: Option<TokenStream>,
    pub(crate) parent: Option<Expr>,
    pub(crate) labels: Vec<Label>,
    pub(crate) links: Vec<Expr>,
    pub(crate) err: ErrMode,
    pub(crate) err_span: Option<Span>,
    /// What looks at the value before the span ends, in this order.
    pub(crate) observers: Vec<Observer>,
    /// Statements inside the span, before the fields.
    pub(crate) before: TokenStream,
    /// What is begun before the body and told how the call ended.
    pub(crate) running: Option<Running>,
    /// Where `timings` stands.
    pub(crate) timings: Option<Span>,
    /// `track_concurrency`
    pub(crate) concurrency: bool,
    pub(crate) follow: Follow,
}

/// What becomes of a stream that the value is or holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Nothing: the call alone is measured.
    Call,
    /// The value is followed if its type is that of a stream.
    #[default]
    Value,
    /// The value holds an `impl Stream`, as far as can be read.
    Opaque,
    /// The value holds a boxed stream, as far as can be read.
    Boxed,
    /// `stream`: it must be or hold one.
    Asked,
}

impl Follow {
    /// Whether items are looked at in place of the value.
    pub(crate) fn items(self) -> bool {
        matches!(self, Self::Opaque | Self::Boxed | Self::Asked)
    }
}

/// What a macro adds to the shared arguments.
#[derive(Default)]
pub(crate) struct Own {
    /// The variant of `Construct`; `Traced` if empty.
    pub(crate) construct: &'static str,
    /// The convention's name, for calls that have none of their own: constant, or dynamic.
    pub(crate) name: Option<TokenStream>,
    pub(crate) dynamic_name: Option<TokenStream>,
    pub(crate) kind: Option<&'static str>,
    /// Before the user's.
    pub(crate) fields: Vec<Field>,
    pub(crate) observers: Vec<Observer>,
    pub(crate) before: TokenStream,
    pub(crate) running: Option<Running>,
    pub(crate) follow: Follow,
}

/// A measurement beside the span: begun inside it, ended by the value, by a panic or by a drop.
pub(crate) struct Running {
    /// An expression that begins it.
    pub(crate) begin: TokenStream,
    /// The function of `private` that makes the kind that ends it.
    pub(crate) kind: &'static str,
    /// More arguments of that function.
    pub(crate) closures: Vec<TokenStream>,
    /// Where errors about them are reported.
    pub(crate) span: Span,
}

/// Something that looks at the returned value.
pub(crate) enum Observer {
    /// `ret`
    Return(Render, Span),
    /// `err(expected = pattern)`
    Expected(syn::Pat),
    /// `ok_if = closure`: true is ok.
    OkIf(Expr),
    /// `error_if = closure`: true is an error.
    ErrorIf(Expr),
    /// `err(level = …)`
    Level(LevelArg, Span),
}

impl Observer {
    /// Whether it looks at the items of a stream as at the value that holds the stream.
    fn fits_items(&self) -> bool {
        matches!(self, Self::Level(..))
    }
}

/// The function, if the item is one that a macro can take.
pub(crate) fn function(item: Item, table: &Table, errors: &mut Errors) -> Option<Function> {
    let this = table.name;
    match item {
        Item::Function(function) => {
            let sig = &function.sig;
            if let Some(word) = &sig.constness {
                errors.push(
                    word.span,
                    format!("`#[{this}]` cannot be put on a `const fn`: it may run at compile time, where nothing can be recorded"),
                );
                return None;
            }
            if let Some(variadic) = &sig.variadic {
                errors.push_on(
                    variadic,
                    format!("`#[{this}]` cannot be put on a variadic function"),
                );
                return None;
            }
            Some(*function)
        }
        Item::NoBody(sig) => {
            errors.push(
                sig.ident.span(),
                format!("`#[{this}]` needs a function with a body: put it on the implementation"),
            );
            None
        }
        Item::Impl(item) => {
            errors.push(
                item.impl_token.span,
                format!("`#[{this}]` goes on a function; put it on the methods"),
            );
            None
        }
        Item::Other(span, word) => {
            errors.push(
                span,
                format!("`#[{this}]` goes on a function, not on `{word}`"),
            );
            None
        }
    }
}

/// Judges the shared arguments for a function, with what its macro adds.
pub(crate) fn plan(args: Args, own: Own, function: &Function, errors: &mut Errors) -> Plan {
    check_skip(&args, function, errors);
    check_value_arguments(&args, function, errors);
    check_timings(&args, function, errors);
    let mut observers = own.observers;
    if let Some(render) = args.ret {
        let span = args.ret_span.unwrap_or_else(Span::call_site);
        observers.push(Observer::Return(render, span));
    }
    observers.extend(args.expected.map(Observer::Expected));
    observers.extend(args.ok_if.map(Observer::OkIf));
    observers.extend(args.error_if.map(Observer::ErrorIf));
    let err_span = args.err_span.unwrap_or_else(Span::call_site);
    observers.extend(args.err_level.map(|level| Observer::Level(level, err_span)));
    let needs_value = !observers.is_empty()
        || own.running.is_some()
        || args.timings.is_some()
        || !matches!(args.err, ErrMode::Auto | ErrMode::Off);
    let (name, dynamic_name) = match args.name {
        None => (own.name, own.dynamic_name),
        Some(name) if is_dynamic(&name, function) => (None, Some(quote!(#name))),
        Some(name) => (Some(quote!(#name)), None),
    };
    let mut fields = own.fields;
    fields.extend(args.fields);
    let mut plan = Plan {
        site: Site {
            krate: crate_path::resolve(args.crate_path.as_ref()),
            construct: own.construct,
            name,
            kind: args.kind.or(own.kind),
            level: args.level,
            target: args.target,
            fields,
            root: args.root,
            no_metrics: args.no_metrics,
        },
        shape: shape::choose(function, needs_value),
        dynamic_name,
        parent: args.parent,
        labels: args.labels,
        links: args.links,
        err: args.err,
        err_span: args.err_span,
        observers,
        before: own.before,
        running: own.running,
        timings: args.timings,
        concurrency: args.concurrency,
        follow: own.follow,
    };
    if matches!(plan.shape, Shape::StreamClosure) && plan.follow == Follow::Call {
        plan.shape = Shape::Closure;
    }
    if let Shape::InBox(in_box) = &plan.shape
        && plan.runs_before_the_body()
        && !shape::is_async_move(&in_box.call.stream())
    {
        // What runs before the body runs inside the future, so its text must be here.
        plan.shape = Shape::Closure;
    }
    if plan.follow == Follow::Value && plan.observers.iter().all(Observer::fits_items) {
        plan.follow = returned_stream::stream(function, &plan.shape).unwrap_or_default();
    }
    plan
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
    /// Whether a recorded call has fields, a name of its own or links.
    pub(crate) fn records_before_the_body(&self) -> bool {
        self.dynamic_name.is_some() || !self.links.is_empty() || self.site.has_values()
    }

    /// Whether code of ours stands between the start of the span and the user's body.
    pub(crate) fn runs_before_the_body(&self) -> bool {
        self.records_before_the_body()
            || self.running.is_some()
            || self.concurrency
            || !self.before.is_empty()
    }
}

/// Whether the name is decided by each call: not a literal, `concat!` or a constant's path.
pub(crate) fn is_dynamic(name: &Expr, function: &Function) -> bool {
    match plain(name) {
        Expr::Lit(_) => false,
        Expr::Macro(mac) => !["concat", "stringify"].iter().any(|constant| {
            mac.mac
                .path
                .segments
                .last()
                .is_some_and(|s| s.ident == constant)
        }),
        Expr::Path(path) => {
            let segments = &path.path.segments;
            let generic = |ident: &Ident| {
                function
                    .sig
                    .generics
                    .const_params()
                    .any(|p| p.ident == *ident)
            };
            match segments.first() {
                _ if path.qself.is_some() => true,
                Some(first) if first.ident == "Self" || first.ident == "self" => true,
                Some(only) if segments.len() == 1 => {
                    generic(&only.ident) || parameters(function).contains(&only.ident)
                }
                _ => false,
            }
        }
        _ => true,
    }
}

/// Every name that the parameters bind.
pub(crate) fn parameters(function: &Function) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl<'ast> syn::visit::Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
            self.0.push(pat.ident.clone());
            syn::visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    for arg in &function.sig.inputs {
        match arg {
            FnArg::Receiver(receiver) => names.0.push(receiver.self_token.into()),
            FnArg::Typed(arg) => syn::visit::Visit::visit_pat(&mut names, &arg.pat),
        }
    }
    names.0
}

fn check_skip(args: &Args, function: &Function, errors: &mut Errors) {
    let names: Vec<String> = parameters(function)
        .iter()
        .map(|name| name.unraw().to_string())
        .collect();
    let has_wild = function
        .sig
        .inputs
        .iter()
        .any(|arg| matches!(arg, FnArg::Typed(arg) if matches!(*arg.pat, Pat::Wild(_))));
    for skipped in &args.skip {
        let name = skipped.unraw().to_string();
        if names.contains(&name) || (name == "_" && has_wild) {
            continue;
        }
        let hint = match nearest(&name, names.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        errors.push(
            skipped.span(),
            format!("the function has no parameter `{name}`{hint}"),
        );
    }
}

/// `timings` needs a call that can wait.
fn check_timings(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(span) = args.timings else { return };
    let returned = match &function.sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(shape::plain(ty)),
    };
    let returns_at_once = shape::is_never(returned)
        || shape::is_inert(returned)
        || returned.is_some_and(shape::is_named_result);
    if function.sig.asyncness.is_none() && returns_at_once {
        errors.push(
            span,
            "`timings` needs an `async fn`, or a function that returns a future or a stream: another call is busy \
             as long as it lasts",
        );
    }
}

/// `err(…)` and `ret` need something to look at.
fn check_value_arguments(args: &Args, function: &Function, errors: &mut Errors) {
    let returned = match &function.sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(shape::plain(ty)),
    };
    let certainly_no_result = match returned {
        None => true,
        Some(syn::Type::ImplTrait(_)) => false,
        some => shape::is_inert(some),
    };
    if let Some(span) = args.err_span
        && certainly_no_result
        && args.err != ErrMode::Off
    {
        errors.push(span, "`err` needs a function that returns a `Result`");
    }
    if args.ret.is_some() && shape::is_never(returned) {
        let span = args.ret_span.unwrap_or_else(|| function.sig.output.span());
        errors.push(span, "`ret` needs a function that returns");
    }
}
