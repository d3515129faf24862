//! The arguments of `#[agent]`, `#[workflow]` and `#[tool_call]`.

use syn::{Expr, LitStr};

use super::list::{Arg, ArgList, Given};
use crate::errors::Errors;

/// What `#[agent]` and `#[workflow]` take beside the shared arguments.
pub(crate) struct AgentArgs {
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) description: Option<LitStr>,
}

impl AgentArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        Self {
            stream: list.switch("stream", errors),
            description: description(list, errors),
        }
    }
}

/// What `#[tool_call]` takes beside the shared arguments.
pub(crate) struct ToolArgs {
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) description: Option<LitStr>,
    pub(crate) effect: Option<Given<&'static str>>,
    pub(crate) id: Option<Expr>,
}

/// What a tool can do to the world.
const EFFECTS: &[&str] = &["read", "write", "external"];

impl ToolArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        Self {
            stream: list.switch("stream", errors),
            description: description(list, errors),
            effect: list.given("effect", errors, |arg, errors| arg.word(EFFECTS, errors)),
            id: list.expr("id", errors),
        }
    }
}

fn description(list: &mut ArgList, errors: &mut Errors) -> Option<LitStr> {
    let message = "`description` is empty: an empty text says nothing";
    list.take("description")
        .and_then(|arg: Arg| arg.filled(message, errors))
}
