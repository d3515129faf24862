//! The arguments of `#[agent]`, `#[workflow]` and `#[tool_call]`.

use syn::{Expr, LitStr};

use super::duration::DurationArg;
use super::list::{Arg, ArgList, Given};
use crate::errors::Errors;

/// What `#[agent]` and `#[workflow]` take beside the shared arguments.
pub(crate) struct AgentArgs {
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) description: Option<LitStr>,
    pub(crate) limits: Vec<Given<(Limit, Expr)>>,
    pub(crate) timeout: Option<Given<DurationArg>>,
    /// Whether a limit only says that the agent went beyond it.
    pub(crate) on_stop: Option<Given<&'static str>>,
}

/// A limit that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `max_steps = 12`
    Steps,
    /// `max_tool_calls = 40`
    ToolCalls,
    /// `max_same_tool_call = 3`
    SameToolCall,
}

const LIMITS: [(&str, Limit); 3] = [
    ("max_steps", Limit::Steps),
    ("max_tool_calls", Limit::ToolCalls),
    ("max_same_tool_call", Limit::SameToolCall),
];

/// What becomes of an agent that reaches a limit.
const ON_STOP: &[&str] = &["return", "flag"];

impl AgentArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let limits = LIMITS.into_iter().filter_map(|(name, limit)| {
            list.given(name, errors, |arg, errors| Some((limit, arg.expr(errors)?)))
        });
        let limits = limits.collect();
        Self {
            limits,
            stream: list.switch("stream", errors),
            description: description(list, errors),
            timeout: list.given("timeout", errors, Arg::duration),
            on_stop: list.given("on_stop", errors, |arg, errors| arg.word(ON_STOP, errors)),
        }
    }
}

/// What `#[tool_call]` takes beside the shared arguments.
pub(crate) struct ToolArgs {
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) description: Option<LitStr>,
    pub(crate) effect: Option<Given<&'static str>>,
    pub(crate) id: Option<Expr>,
    /// Whether the same call is counted by `max_same_tool_call` of the agent.
    pub(crate) repeat: Option<Given<&'static str>>,
}

/// What is thought of a tool that is called again with the same arguments.
const REPEAT: &[&str] = &["counted", "allowed"];

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
            repeat: list.given("repeat", errors, |arg, errors| arg.word(REPEAT, errors)),
        }
    }
}

fn description(list: &mut ArgList, errors: &mut Errors) -> Option<LitStr> {
    let message = "`description` is empty: an empty text says nothing";
    list.take("description")
        .and_then(|arg: Arg| arg.filled(message, errors))
}
