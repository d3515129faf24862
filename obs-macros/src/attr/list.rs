//! The syntax of an attribute's arguments: `flag`, `name = expression`, `name(tokens)`.
//!
//! [`ArgList`] knows which names a macro takes and that each is given once. A single [`Arg`] is
//! asked for the value that it should have, and reports what does not fit.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, Ident, LitStr, Token};

use super::expr::{as_bool, as_text, may_be_called};
use super::nearest::nearest;
use super::table::Table;
use crate::errors::Errors;

/// What stands behind an argument's name.
pub(crate) enum ArgValue {
    /// Nothing.
    Flag,
    /// `= expression`
    Expr(Expr),
    /// `(tokens)`
    List(TokenStream),
}

/// One argument.
pub(crate) struct Arg {
    pub(crate) name: Ident,
    pub(crate) value: ArgValue,
}

/// The value of an argument, and where the argument's name stands.
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) at: Span,
}

/// An argument that a macro cannot do without.
pub(crate) enum Required<T> {
    Given(T),
    /// It is there, and what is wrong with it has been reported.
    Broken,
    Missing,
}

/// The arguments of one attribute, each known to the macro and given once.
pub(crate) struct ArgList {
    tokens: TokenStream,
    args: Vec<Arg>,
}

impl ArgList {
    /// Parses all arguments that can be parsed, and reports the others.
    pub(crate) fn parse(tokens: TokenStream, table: &Table, errors: &mut Errors) -> Self {
        let mut args: Vec<Arg> = Vec::new();
        let parsed = (|input: ParseStream<'_>| {
            while !input.is_empty() {
                match parse_arg(input, table) {
                    Ok(arg) => args.push(arg),
                    Err(error) => {
                        errors.add(error);
                        skip_to_comma(input);
                    }
                }
                if input.is_empty() {
                    break;
                }
                if let Err(error) = input.parse::<Token![,]>() {
                    errors.add(error);
                    skip_to_comma(input);
                    let _ = input.parse::<Token![,]>();
                }
            }
            Ok(())
        })
        .parse2(tokens.clone());
        errors.take(parsed);

        let mut known: Vec<Arg> = Vec::new();
        for arg in args {
            let name = arg.name.unraw().to_string();
            if !table.accepts(&name) {
                errors.push(arg.name.span(), table.unknown(&name));
            } else if known.iter().any(|a| a.name.unraw() == arg.name.unraw()) {
                errors.push(arg.name.span(), format!("`{name}` is given twice"));
            } else {
                known.push(arg);
            }
        }
        Self {
            tokens,
            args: known,
        }
    }

    /// All arguments as they were written, those included that have been taken.
    pub(crate) fn tokens(&self) -> &TokenStream {
        &self.tokens
    }

    /// Takes the argument `name` out of the list, if it was given.
    pub(crate) fn take(&mut self, name: &str) -> Option<Arg> {
        let at = self.args.iter().position(|a| a.name.unraw() == name)?;
        Some(self.args.remove(at))
    }

    /// Takes `name = expression`.
    pub(crate) fn expr(&mut self, name: &str, errors: &mut Errors) -> Option<Expr> {
        self.take(name)?.expr(errors)
    }

    /// Takes the argument `name`, read by `read`, with its place.
    pub(crate) fn given<T>(
        &mut self,
        name: &str,
        errors: &mut Errors,
        read: impl FnOnce(Arg, &mut Errors) -> Option<T>,
    ) -> Option<Given<T>> {
        let arg = self.take(name)?;
        let at = arg.span();
        let value = read(arg, errors)?;
        Some(Given { value, at })
    }

    /// Takes `name`, `name = true` or `name = false`, with its place. Anything else is reported
    /// and counts as false.
    pub(crate) fn switch(&mut self, name: &str, errors: &mut Errors) -> Option<Given<bool>> {
        self.given(name, errors, |arg, errors| {
            Some(arg.switch(errors).unwrap_or(false))
        })
    }

    /// Takes the argument `name`, read by `read`, and notes whether it was there at all.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        errors: &mut Errors,
        read: impl FnOnce(Arg, &mut Errors) -> Option<T>,
    ) -> Required<T> {
        match self.take(name) {
            Some(arg) => read(arg, errors).map_or(Required::Broken, Required::Given),
            None => Required::Missing,
        }
    }
}

fn parse_arg(input: ParseStream<'_>, table: &Table) -> syn::Result<Arg> {
    if input.peek(LitStr) {
        return bare_string(input, table);
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected the name of an argument"));
    }
    let name = Ident::parse_any(input)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(
                name.span(),
                format!("`{name} =` needs a value"),
            ));
        }
        ArgValue::Expr(input.parse()?)
    } else if input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        ArgValue::List(content.parse()?)
    } else if input.is_empty() || input.peek(Token![,]) {
        ArgValue::Flag
    } else {
        return Err(input.error(format!("expected `,`, `= value` or `(…)` after `{name}`")));
    };
    Ok(Arg { name, value })
}

/// A text alone is the name of the span, as in `tracing`.
fn bare_string(input: ParseStream<'_>, table: &Table) -> syn::Result<Arg> {
    if !table.shared {
        let text: LitStr = input.fork().parse()?;
        let message = format!("expected an argument; write `service = {}`", text.token());
        return Err(syn::Error::new(text.span(), message));
    }
    let text: LitStr = input.parse()?;
    Ok(Arg {
        name: Ident::new("name", text.span()),
        value: ArgValue::Expr(syn::parse_quote!(#text)),
    })
}

/// Leaves the rest of a broken argument, up to the comma that ends it.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}

impl Arg {
    pub(crate) fn span(&self) -> Span {
        self.name.span()
    }

    pub(crate) fn wrong(&self, errors: &mut Errors, expected: &str) {
        let message = format!("`{}` {expected}", self.name);
        match &self.value {
            ArgValue::Expr(value) => errors.push_on(value, message),
            _ => errors.push(self.name.span(), message),
        }
    }

    /// `name = expression`
    pub(crate) fn expr(self, errors: &mut Errors) -> Option<Expr> {
        let ArgValue::Expr(value) = self.value else {
            self.wrong(errors, &format!("needs a value: `{} = …`", self.name));
            return None;
        };
        Some(value)
    }

    /// `name = closure`; `example` is one.
    pub(crate) fn closure(self, example: &str, errors: &mut Errors) -> Option<Expr> {
        let name = self.name.clone();
        let value = self.expr(errors)?;
        if !may_be_called(&value) {
            let message = format!("`{name}` takes a closure or a function: `{name} = {example}`");
            errors.push(value.span(), message);
            return None;
        }
        Some(value)
    }

    /// `name = "text"`
    pub(crate) fn text(self, errors: &mut Errors) -> Option<LitStr> {
        if let ArgValue::Expr(value) = &self.value
            && let Some(text) = as_text(value)
        {
            return Some(text.clone());
        }
        self.wrong(errors, &format!("takes a string: `{} = \"…\"`", self.name));
        None
    }

    /// `name = "text"`, where the text is not empty.
    pub(crate) fn filled(self, message: &str, errors: &mut Errors) -> Option<LitStr> {
        let text = self.text(errors)?;
        if text.value().trim().is_empty() {
            errors.push(text.span(), message);
            return None;
        }
        Some(text)
    }

    /// `name`, `name = true` or `name = false`
    pub(crate) fn switch(self, errors: &mut Errors) -> Option<bool> {
        match &self.value {
            ArgValue::Flag => return Some(true),
            ArgValue::Expr(value) => {
                if let Some(on) = as_bool(value) {
                    return Some(on);
                }
            }
            ArgValue::List(_) => {}
        }
        self.wrong(errors, "takes `true` or `false`");
        None
    }

    /// `name` alone
    pub(crate) fn flag(self, errors: &mut Errors) -> Option<Span> {
        if matches!(self.value, ArgValue::Flag) {
            return Some(self.span());
        }
        self.wrong(errors, "stands alone, without a value");
        None
    }

    /// `name(tokens)`; `form` shows what is meant.
    pub(crate) fn list(self, form: &str, errors: &mut Errors) -> Option<TokenStream> {
        if let ArgValue::List(tokens) = self.value {
            return Some(tokens);
        }
        self.wrong(errors, &format!("is written `{form}`"));
        None
    }

    /// `name = "word"` with one of the given words, in any case.
    pub(crate) fn word(self, words: &[&'static str], errors: &mut Errors) -> Option<&'static str> {
        let name = self.name.to_string();
        let text = self.text(errors)?;
        let value = text.value();
        let found = words.iter().find(|w| w.eq_ignore_ascii_case(&value));
        if found.is_none() {
            let all: Vec<_> = words.iter().map(|w| format!("\"{w}\"")).collect();
            let all = all.join(", ");
            let hint = match nearest(&value.to_lowercase(), words.iter().copied()) {
                Some(near) => format!("; did you mean \"{near}\"?"),
                None => String::new(),
            };
            errors.push(text.span(), format!("`{name}` is one of {all}{hint}"));
        }
        found.copied()
    }
}
