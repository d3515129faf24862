//! What `#[llm_call]` says of the request: each argument adds its part to a [`Request`].

use std::borrow::Cow;

use crate::llm::measured::ModelCall;
use crate::llm::{Count, IntoServer, Request, TokenCount};
use crate::trace::measured::Measured;

pub fn asks_nothing() -> Request {
    Request::new()
}

/// The call asks for this.
pub fn llm_asks(call: Measured<ModelCall>, request: Request) -> Measured<ModelCall> {
    call.asking(request)
}

/// `request = …`
pub fn asks_request(mut all: Request, more: Request) -> Request {
    all.merge(more);
    all
}

/// `server = …`
pub fn asks_server(request: Request, server: impl IntoServer) -> Request {
    request.server_of(server)
}

/// `max_tokens = …`; a number that cannot be a bound is none.
pub fn asks_max_tokens(request: Request, tokens: impl TokenCount) -> Request {
    match tokens.count() {
        Count::Known(tokens) => request.max_tokens(tokens),
        Count::Unknown | Count::Impossible => request,
    }
}

/// `temperature = …`
pub fn asks_temperature(request: Request, number: impl IntoNumber) -> Request {
    match number.into_number() {
        Some(number) => request.temperature(number),
        None => request,
    }
}

/// `tier = …`
pub fn asks_tier(request: Request, tier: impl IntoText) -> Request {
    match tier.into_text() {
        Some(tier) => request.tier(tier),
        None => request,
    }
}

/// `prompt = …`
pub fn asks_prompt(request: Request, name: impl IntoText) -> Request {
    match name.into_text() {
        Some(name) => request.prompt(name),
        None => request,
    }
}

/// `prompt_version = …`
pub fn asks_prompt_version(request: Request, version: impl IntoText) -> Request {
    match version.into_text() {
        Some(version) => request.prompt_version(version),
        None => request,
    }
}

/// A number of a request that may be a fraction.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number",
    label = "expected `f64`, `f32`, an integer, or an `Option` of one"
)]
pub trait IntoNumber {
    fn into_number(self) -> Option<f64>;
}

macro_rules! numbers {
    ($($t:ty),*) => { $(
        impl IntoNumber for $t {
            fn into_number(self) -> Option<f64> {
                Some(self.into())
            }
        }
    )* };
}

numbers!(f64, f32, i32, u32, i16, u16, i8, u8);

impl<T: IntoNumber> IntoNumber for Option<T> {
    fn into_number(self) -> Option<f64> {
        self?.into_number()
    }
}

/// A text of a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no text",
    label = "expected `&str`, `String`, or an `Option` of one"
)]
pub trait IntoText {
    fn into_text(self) -> Option<String>;
}

impl IntoText for &str {
    fn into_text(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl IntoText for &String {
    fn into_text(self) -> Option<String> {
        Some(self.clone())
    }
}

impl IntoText for &Cow<'_, str> {
    fn into_text(self) -> Option<String> {
        Some(self.clone().into_owned())
    }
}

impl<'a, T> IntoText for &'a Option<T>
where
    &'a T: IntoText,
{
    fn into_text(self) -> Option<String> {
        self.as_ref()?.into_text()
    }
}

impl<'a, T: ?Sized> IntoText for &&'a T
where
    &'a T: IntoText,
{
    fn into_text(self) -> Option<String> {
        (*self).into_text()
    }
}
