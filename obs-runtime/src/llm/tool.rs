//! What `#[tool_call]` measures: calls of tools that the program runs for a model.

use core::fmt;
use std::borrow::Cow;

use crate::current;
use crate::llm::LlmState;
use crate::llm::frame::{Frame, Spent, add};
use crate::semconv::{attribute as key, metric};
use crate::trace::SpanContext;
use crate::trace::measured::{Attributes, End, Ended, Here, Measure, Measured};

/// The id that a model, or its provider, gave to the call of a tool.
///
/// A function with `#[tool_call]` that takes a `&ToolCallId` has it on its span
/// (`gen_ai.tool.call.id`). Give it only what the provider said: an id that the program makes up
/// is found nowhere else.
///
/// ```
/// use obs_runtime::llm::ToolCallId;
/// use obs_runtime::tool_call;
///
/// #[tool_call]
/// fn add(call: &ToolCallId, one: i64, other: i64) -> i64 {
///     println!("{call}");
///     one + other
/// }
///
/// assert_eq!(add(&ToolCallId::new("call_7"), 2, 3), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolCallId(String);

impl ToolCallId {
    /// Creates an id of the text that the provider gave.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ToolCallId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The call of a tool while it runs.
#[derive(Debug)]
pub struct ToolCall {
    name: Cow<'static, str>,
    id: Option<ToolCallId>,
    /// The agent that runs it.
    agent: Option<Frame>,
}

impl Measure for ToolCall {
    type Said = ();

    fn begin(&mut self, here: Here) {
        self.agent = Frame::find(here.frame);
    }

    fn end(self, ended: Ended) {
        let failed = ended.end != End::Ok;
        add(ended.here, &Spent::of_tool(failed, ended.duration));
        let agent = self.agent.as_ref().map_or("", Frame::name);
        if let Some(state) = LlmState::at(ended.here) {
            // The tool's span is the example of its values.
            let _inside = ended.here.context.as_ref().map(SpanContext::attach);
            let labels = [
                (key::GEN_AI_TOOL_NAME, &*self.name),
                (key::GEN_AI_TOOL_TYPE, FUNCTION),
                (key::GEN_AI_AGENT_NAME, agent),
                (key::ERROR_TYPE, ended.end.error_type()),
            ];
            let def = &metric::GEN_AI_EXECUTE_TOOL_DURATION;
            let metrics = state.metrics();
            metrics.observe(def, &labels, ended.duration.as_secs_f64());
        }
        if ended.attributes == Attributes::None
            || !ended.here.is_entered()
            || !current::is_recording()
        {
            return;
        }
        if !agent.is_empty() {
            current::set_attribute(key::GEN_AI_AGENT_NAME, agent.to_owned());
        }
        if let Some(id) = &self.id {
            current::set_attribute(key::GEN_AI_TOOL_CALL_ID, id.0.clone());
        }
    }
}

/// Who runs the tool: the program, not the provider or an agent of its own (`gen_ai.tool.type`).
const FUNCTION: &str = "function";

/// Begins the call of `#[tool_call]`, inside its span.
pub fn tool_begin(name: impl Into<Cow<'static, str>>) -> Measured<ToolCall> {
    Measured::in_body(ToolCall {
        name: name.into(),
        id: None,
        agent: None,
    })
}

/// Notes the id of the call.
pub fn tool_id(
    mut call: Measured<ToolCall>,
    id: &(impl AsRef<str> + ?Sized),
) -> Measured<ToolCall> {
    call.change(|call| call.id = Some(ToolCallId::new(id.as_ref())));
    call
}
