//! The list of macros: for each its row in the table, its arguments, its rules and its expansion.
//!
//! The functions here take and give the tokens of `proc_macro2`, so that tests and the fuzz target
//! can call them outside of the compiler; `lib.rs` hands them the compiler's.

use proc_macro2::TokenStream;

use crate::attr::agents::{AgentArgs, ToolArgs};
use crate::attr::conventions::{LlmArgs, VectorArgs};
use crate::attr::handler::HandlerArgs;
use crate::attr::main_fn::MainArgs;
use crate::attr::metric::{self, Metric};
use crate::attr::parsed::Parsed;
use crate::attr::pipeline_task::TaskArgs;
use crate::attr::table::{self, Table};
use crate::attr::traced::TracedArgs;
use crate::attr::{label_derive, span as span_input};
use crate::driver::{self, Attribute};
use crate::errors::Errors;
use crate::plan::Annotated;
use crate::valid::handler::{Event, Handler};
use crate::{expand, valid};

/// `#[traced]`
pub(crate) fn traced(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let traced = Attribute {
        table: &table::TRACED,
        arguments: TracedArgs::take,
        validate: valid::traced::traced,
        expand: expand::traced::expand,
        stand_in: None,
    };
    traced.run(arguments, item)
}

/// `#[llm_call]`
pub(crate) fn llm_call(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let llm_call = Attribute {
        table: &table::LLM_CALL,
        arguments: LlmArgs::take,
        validate: valid::conventions::llm_call,
        expand: expand::function::expand,
        stand_in: None,
    };
    llm_call.run(arguments, item)
}

/// `#[vector_op]`
pub(crate) fn vector_op(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let vector_op = Attribute {
        table: &table::VECTOR_OP,
        arguments: VectorArgs::take,
        validate: valid::conventions::vector_op,
        expand: expand::function::expand,
        stand_in: None,
    };
    vector_op.run(arguments, item)
}

/// `#[agent]`
pub(crate) fn agent(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<AgentArgs>, errors: &mut Errors| {
        valid::agents::agent("invoke_agent", parsed, errors)
    };
    agent_as(&table::AGENT, validate, arguments, item)
}

/// `#[workflow]`
pub(crate) fn workflow(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<AgentArgs>, errors: &mut Errors| {
        valid::agents::agent("invoke_workflow", parsed, errors)
    };
    agent_as(&table::WORKFLOW, validate, arguments, item)
}

fn agent_as(
    table: &'static Table,
    validate: fn(Parsed<AgentArgs>, &mut Errors) -> Option<Annotated>,
    arguments: TokenStream,
    item: TokenStream,
) -> TokenStream {
    let agent = Attribute {
        table,
        arguments: AgentArgs::take,
        validate,
        expand: expand::function::expand,
        stand_in: None,
    };
    agent.run(arguments, item)
}

/// `#[tool_call]`
pub(crate) fn tool_call(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tool_call = Attribute {
        table: &table::TOOL_CALL,
        arguments: ToolArgs::take,
        validate: valid::agents::tool_call,
        expand: expand::function::expand,
        stand_in: None,
    };
    tool_call.run(arguments, item)
}

/// `#[pipeline_task]`
pub(crate) fn pipeline_task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let pipeline_task = Attribute {
        table: &table::PIPELINE_TASK,
        arguments: TaskArgs::take,
        validate: valid::pipeline_task::task,
        expand: expand::pipeline_task::expand,
        stand_in: Some(|item| {
            valid::pipeline_task::stand_in(item).map(expand::pipeline_task::stand_in::expand)
        }),
    };
    pipeline_task.run(arguments, item)
}

/// `#[on_failure]`
pub(crate) fn on_failure(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<HandlerArgs>, errors: &mut Errors| {
        valid::handler::handler(Event::Failure, parsed, errors)
    };
    handler(&table::ON_FAILURE, validate, arguments, item)
}

/// `#[on_complete]`
pub(crate) fn on_complete(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<HandlerArgs>, errors: &mut Errors| {
        valid::handler::handler(Event::Complete, parsed, errors)
    };
    handler(&table::ON_COMPLETE, validate, arguments, item)
}

/// `#[on_cancel]`
pub(crate) fn on_cancel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<HandlerArgs>, errors: &mut Errors| {
        valid::handler::handler(Event::Cancel, parsed, errors)
    };
    handler(&table::ON_CANCEL, validate, arguments, item)
}

/// `#[on_late]`
pub(crate) fn on_late(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let validate = |parsed: Parsed<HandlerArgs>, errors: &mut Errors| {
        valid::handler::handler(Event::Late, parsed, errors)
    };
    handler(&table::ON_LATE, validate, arguments, item)
}

fn handler(
    table: &'static Table,
    validate: fn(Parsed<HandlerArgs>, &mut Errors) -> Option<Handler>,
    arguments: TokenStream,
    item: TokenStream,
) -> TokenStream {
    let handler = Attribute {
        table,
        arguments: HandlerArgs::take,
        validate,
        expand: expand::handler::expand,
        stand_in: None,
    };
    handler.run(arguments, item)
}

/// `#[obs_runtime::main]`
pub(crate) fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let main = Attribute {
        table: &table::MAIN,
        arguments: MainArgs::take,
        validate: valid::main_fn::main,
        expand: expand::main_fn::expand,
        stand_in: None,
    };
    main.run(arguments, item)
}

/// `span!`
pub(crate) fn span(tokens: TokenStream) -> TokenStream {
    driver::expression(
        |errors| span_input::parse(tokens, errors),
        valid::span::span,
        expand::span::expand,
    )
}

/// `counter!`
pub(crate) fn counter(tokens: TokenStream) -> TokenStream {
    metric(Metric::Counter, tokens)
}

/// `gauge!`
pub(crate) fn gauge(tokens: TokenStream) -> TokenStream {
    metric(Metric::Gauge, tokens)
}

/// `histogram!`
pub(crate) fn histogram(tokens: TokenStream) -> TokenStream {
    metric(Metric::Histogram, tokens)
}

fn metric(metric: Metric, tokens: TokenStream) -> TokenStream {
    driver::expression(
        |errors| metric::parse(metric, tokens, errors),
        valid::metric::metric,
        expand::metric::expand,
    )
}

/// `#[derive(Label)]`
pub(crate) fn label(item: TokenStream) -> TokenStream {
    driver::derive(
        |errors| label_derive::parse(item, errors),
        valid::label_derive::label,
        expand::label_derive::expand,
    )
}
