use obs_runtime::llm::AgentStopped;
use obs_runtime::{agent, tool_call};

#[agent(max_steps = 3)]
async fn no_result() -> u8 {
    7
}

#[agent(timeout = "5s")]
async fn nothing() {}

#[agent(max_tool_calls = 3)]
async fn another_error() -> Result<u8, std::io::Error> {
    Ok(7)
}

#[agent(max_same_tool_call = 3)]
fn at_once() -> Result<u8, u32> {
    Ok(7)
}

#[agent(max_steps = "three")]
async fn no_number() -> Result<u8, AgentStopped> {
    Ok(7)
}

#[tool_call(id = 7)]
fn no_text() {}

fn main() {}
