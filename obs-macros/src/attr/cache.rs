//! `cache(ttl = "7d", key = |page| page.sha, max = 1_000)` of `#[pipeline_task]`.

use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprClosure, Ident, Token};

use super::duration::DurationArg;
use super::expr::plain;
use super::list::{Arg, ArgValue, Given};
use crate::errors::Errors;

/// How the outputs of a task are kept.
pub(crate) struct Cache {
    /// How long.
    pub(crate) ttl: DurationArg,
    /// What they are known by, if it is not all that the task takes.
    pub(crate) key: Option<Given<ExprClosure>>,
    /// How many.
    pub(crate) max: Option<Expr>,
}

/// Reads the argument.
pub(super) fn cache(arg: Arg, errors: &mut Errors) -> Option<Cache> {
    let at = arg.span();
    let form = "cache(ttl = \"7d\", key = |page| page.sha, max = 1_000)";
    let tokens = arg.list(form, errors)?;
    let mut args = errors.take(parse.parse2(tokens))?;
    let mut take = |name: &str| {
        let at = args.iter().position(|arg| arg.name == name)?;
        Some(args.remove(at))
    };
    let (ttl, key, max) = (take("ttl"), take("key"), take("max"));
    let Some(ttl) = ttl else {
        errors.push(at, "`cache` needs to know how long: `cache(ttl = \"1h\")`");
        return None;
    };
    let key = match key {
        Some(arg) => Some(closure(arg, errors)?),
        None => None,
    };
    Some(Cache {
        ttl: ttl.duration(errors)?,
        key,
        max: match max {
            Some(arg) => Some(arg.expr(errors)?),
            None => None,
        },
    })
}

fn parse(input: ParseStream<'_>) -> syn::Result<Vec<Arg>> {
    let mut args: Vec<Arg> = Vec::new();
    while !input.is_empty() {
        let name = Ident::parse_any(input)?;
        if !["ttl", "key", "max"].iter().any(|known| name == known) {
            let message =
                format!("`cache` has no argument `{name}`; it takes `ttl`, `key` and `max`");
            return Err(syn::Error::new(name.span(), message));
        }
        if args.iter().any(|arg| arg.name == name) {
            let message = format!("`{name}` is given twice");
            return Err(syn::Error::new(name.span(), message));
        }
        input.parse::<Token![=]>()?;
        let value = ArgValue::Expr(input.parse()?);
        args.push(Arg { name, value });
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(args)
}

/// The parameters are those of the function, so it must be a closure here.
fn closure(arg: Arg, errors: &mut Errors) -> Option<Given<ExprClosure>> {
    let at = arg.span();
    let value = arg.expr(errors)?;
    match plain(&value) {
        Expr::Closure(closure) if closure.asyncness.is_none() => Some(Given {
            value: closure.clone(),
            at,
        }),
        _ => {
            let message =
                "`key` takes a closure over parameters of the function: `key = |page| page.sha`";
            errors.push_on(&value, message);
            None
        }
    }
}
