//! What `#[llm_call]` asks of the provider, said in the wrong way.

use obs_runtime::llm_call;

struct Config {
    url: u8,
}

#[llm_call(provider = "openai", model = "gpt-4o", server = config.url)]
fn no_server(config: &Config) {}

#[llm_call(provider = "openai", model = "gpt-4o", server = "not a host")]
fn no_host() {}

#[llm_call(provider = "openai", model = "gpt-4o", server)]
fn no_value() {}

#[llm_call(provider = "openai", model = "gpt-4o", max_tokens = "many")]
fn no_count() {}

#[llm_call(provider = "openai", model = "gpt-4o", max_tokens = 0)]
fn none() {}

#[llm_call(provider = "openai", model = "gpt-4o", max_tokens = -1)]
fn negative() {}

#[llm_call(provider = "openai", model = "gpt-4o", temperature = "hot")]
fn no_number() {}

#[llm_call(provider = "openai", model = "gpt-4o", tier = 1, prompt = "", prompt_version = 2)]
fn no_texts() {}

#[llm_call(provider = "openai", model = "gpt-4o", tier = 1)]
fn no_text() {}

#[llm_call(provider = "openai", model = "gpt-4o", prompt_version = "2")]
fn version_of_nothing() {}

#[llm_call(provider = "openai", model = "gpt-4o", request = (1, 2))]
fn no_request() {}

#[llm_call(provider = "openai", model = "")]
fn no_model() {}

#[llm_call(provider = "openai", model = "gpt-4o", max_token = 1)]
fn near() {}

#[obs_runtime::traced(server = "localhost")]
fn of_another_macro() {}

fn main() {}
