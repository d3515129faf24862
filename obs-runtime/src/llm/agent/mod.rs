//! What `#[agent]` and `#[workflow]` measure: the frame of what is done inside, and its limits.

pub(crate) mod limits;
mod stop;

use std::borrow::Cow;

pub use limits::Limits;
pub(crate) use stop::AGENT_STOPPED;
pub use stop::{AgentStopped, StopReason};

use crate::AttributeValue;
use crate::current;
use crate::llm::LlmState;
use crate::llm::frame::{Frame, Opened, Spent};
use crate::metrics::BoundUpDownCounter;
use crate::semconv::{attribute as key, metric};
use crate::trace::SpanContext;
use crate::trace::frame::FrameId;
use crate::trace::measured::{Attributes, End, Ended, Here, Measure, Measured};

/// An agent or a workflow while it runs.
#[derive(Debug)]
pub struct AgentCall {
    name: Cow<'static, str>,
    limits: Limits,
    /// The number of agents of this name that run.
    active: Option<BoundUpDownCounter>,
    /// Its frame; none where too many are open.
    opened: Option<Opened>,
}

impl Measure for AgentCall {
    type Said = ();

    const OPENS: bool = true;

    fn begin(&mut self, here: Here) {
        let labels = [(key::GEN_AI_AGENT_NAME, &*self.name)];
        self.active = LlmState::at(here)
            .and_then(|state| state.metrics().up_down(&metric::OBS_AGENT_ACTIVE, &labels));
        if let Some(active) = &self.active {
            active.add(1);
        }
        self.opened = Opened::new(self.name.clone(), self.limits);
    }

    fn frame(&self) -> Option<FrameId> {
        Some(self.opened.as_ref()?.frame().id())
    }

    fn end(self, ended: Ended) {
        let frame = self.opened.as_ref().map(Opened::frame);
        let (own, total) = (frame.map(Frame::own), frame.map(Frame::total));
        let stopped = frame.and_then(Frame::passed);
        let stopped_by = frame.and_then(Frame::stopped_by);
        if let Some(active) = &self.active {
            active.add(-1);
        }
        // What begins from now on is not this agent's.
        drop(self.opened);
        metrics(
            &self.name,
            own.as_ref(),
            stopped.as_ref(),
            stopped_by.is_some(),
            &ended,
        );
        let here = ended.here;
        if ended.attributes == Attributes::None || !here.is_entered() || !current::is_recording() {
            return;
        }
        attributes(own.as_ref(), total.as_ref());
        if let Some(reason) = stopped {
            current::set_attribute(key::OBS_AGENT_STOP_REASON, reason.as_str());
            if ended.end != End::Ok && stopped_by.is_some() {
                let message = format!("the agent `{}` was stopped {reason}", self.name);
                current::set_error(AGENT_STOPPED, &message);
            }
        }
    }
}

/// Begins the agent or workflow of `#[agent]` and `#[workflow]`, inside its span.
pub fn agent_begin(name: impl Into<Cow<'static, str>>, limits: Limits) -> Measured<AgentCall> {
    Measured::in_body(AgentCall {
        name: name.into(),
        limits,
        active: None,
        opened: None,
    })
}

fn metrics(
    name: &str,
    own: Option<&Spent>,
    stopped: Option<&StopReason>,
    is_stopped: bool,
    ended: &Ended,
) {
    let Some(state) = LlmState::at(ended.here) else {
        return;
    };
    // The agent's span is the example of its values.
    let _inside = ended.here.context.as_ref().map(SpanContext::attach);
    let named = [(key::GEN_AI_AGENT_NAME, name)];
    let error_type = match &ended.end {
        End::Failed(_) if is_stopped => AGENT_STOPPED,
        end => end.error_type(),
    };
    let labels = [named[0], (key::ERROR_TYPE, error_type)];
    let metrics = state.metrics();
    let def = &metric::GEN_AI_INVOKE_AGENT_DURATION;
    metrics.observe(def, &labels, ended.duration.as_secs_f64());
    if let Some(reason) = stopped {
        let labels = [named[0], (key::REASON, reason.as_str())];
        metrics.count(&metric::OBS_AGENT_STOPS, &labels, 1);
    }
    // Without a frame, how many there were is not known.
    let Some(own) = own else { return };
    for (def, calls) in [
        (
            &metric::GEN_AI_INVOKE_AGENT_INFERENCE_CALLS,
            own.model_calls,
        ),
        (&metric::GEN_AI_INVOKE_AGENT_TOOL_CALLS, own.tool_calls),
    ] {
        metrics.observe(def, &named, calls as f64);
    }
}

/// Counts a call that began though an agent was stopped, as it cannot say so.
pub(crate) fn overran(agent: &Frame) {
    agent.overran();
    if let Some(state) = LlmState::at(Here::now()) {
        let labels = [(key::GEN_AI_AGENT_NAME, agent.name())];
        state
            .metrics()
            .count(&metric::OBS_AGENT_OVERRUNS, &labels, 1);
    }
}

/// Says on the agent's span what it used itself, as the conventions want it, and what was used in all.
fn attributes(own: Option<&Spent>, total: Option<&Spent>) {
    let set = |key: &'static str, value: AttributeValue| current::set_attribute(key, value);
    let tokens = |key, tokens: Option<u64>| {
        if let Some(tokens) = tokens {
            set(key, tokens.into());
        }
    };
    if let Some(own) = own {
        tokens(key::GEN_AI_USAGE_INPUT_TOKENS, own.usage.input_tokens());
        tokens(key::GEN_AI_USAGE_OUTPUT_TOKENS, own.usage.output_tokens());
    }
    let Some(total) = total else { return };
    set(key::OBS_TOTAL_MODEL_CALLS, total.model_calls.into());
    set(key::OBS_TOTAL_TOOL_CALLS, total.tool_calls.into());
    tokens(key::OBS_TOTAL_INPUT_TOKENS, total.usage.input_tokens());
    tokens(key::OBS_TOTAL_OUTPUT_TOKENS, total.usage.output_tokens());
    if let Some(usd) = total.cost.exact() {
        set(key::OBS_TOTAL_COST, usd.as_f64().into());
        return;
    }
    set(
        key::OBS_TOTAL_COST_AT_LEAST,
        total.cost.at_least.as_f64().into(),
    );
    if let Some(most) = total.cost.at_most {
        set(key::OBS_TOTAL_COST_AT_MOST, most.as_f64().into());
    }
}
