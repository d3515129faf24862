use obs_runtime::{agent, tool_call, workflow};

#[agent(max_stepps = 3)]
async fn misspelt() {}

#[agent(max_steps = 0, max_tool_calls = -1)]
async fn nothing_begins() {}

#[agent(on_stop = "flag")]
async fn no_limit() {}

#[agent(max_steps = 3, on_stop = "end")]
async fn another_word() {}

#[agent(timeout = 30)]
async fn no_unit() {}

#[agent(description = "", name = "")]
async fn empty() {}

#[workflow(effect = "write")]
async fn of_a_tool() {}

#[tool_call(effect = "writes", repeat = "never", max_steps = 3)]
fn refund() {}

#[tool_call(id)]
fn no_id() {}

#[tool_call]
struct NoFunction;

fn main() {}
