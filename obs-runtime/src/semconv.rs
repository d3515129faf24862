//! Every attribute key and metric name that obs emits stands here and in `metric`, once.
//!
//! Alerts, dashboards and documentation derive from these tables. The names are OpenTelemetry's
//! wherever it has one; `gen_ai.*` follows the release [`GEN_AI_CONVENTIONS`] of the semantic
//! conventions for generative AI (all of it has the status "development"). What no convention names
//! begins with `obs.`, and the text says so.

/// The release of OpenTelemetry's semantic conventions for generative AI that `gen_ai.*` and
/// `openai.*` follow.
///
/// It builds on release 1.45.0 of the other conventions. No schema URL is sent, since none is
/// published for it.
pub const GEN_AI_CONVENTIONS: &str = "0.1.0";

/// The attributes that the conventions have as whole numbers, among those that are labels of metrics.
#[cfg(feature = "otlp")]
pub(crate) const INTEGER_LABELS: [&str; 2] =
    [attribute::HTTP_RESPONSE_STATUS_CODE, attribute::SERVER_PORT];

/// The operations of a model that are inference (`gen_ai.operation.name`).
pub(crate) const INFERENCE: [&str; 3] = ["chat", "generate_content", "text_completion"];

/// The value of `error.type`, `http.request.method` and the like for what has no name of its own.
pub(crate) const OTHER: &str = "_OTHER";

/// Declares the keys of a module, and the list of them.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $key:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $key;)*

        /// The list of all keys, in the order of their declaration.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

/// The keys of span, event, metric and resource attributes.
pub mod attribute {
    keys! {
        /// What was asked of a store: `read` or `write`. Defined by obs.
        ACCESS = "access";
        /// A cache, by its name. Defined by obs.
        CACHE = "cache";
        /// The client's address, behind proxies that are trusted.
        CLIENT_ADDRESS = "client.address";
        /// The client's port.
        CLIENT_PORT = "client.port";
        /// The source file (stable code attributes).
        CODE_FILE_PATH = "code.file.path";
        /// Nanoseconds that a call with `timings` was worked on; the key is that of
        /// tracing-opentelemetry.
        BUSY_NS = "busy_ns";
        /// The function with the path of its module (stable code attributes).
        CODE_FUNCTION_NAME = "code.function.name";
        /// The line in the source file (stable code attributes).
        CODE_LINE_NUMBER = "code.line.number";
        /// The container's id of 64 hexadecimal digits.
        CONTAINER_ID = "container.id";
        /// What a CPU did: `user` or `system`.
        CPU_MODE = "cpu.mode";
        /// The database collection or table.
        DB_COLLECTION_NAME = "db.collection.name";
        /// The operation, as the database calls it (`upsert`, `search`).
        DB_OPERATION_NAME = "db.operation.name";
        /// Rows or points that an operation returned.
        DB_RESPONSE_RETURNED_ROWS = "db.response.returned_rows";
        /// The database product (`qdrant`, `postgresql`).
        DB_SYSTEM_NAME = "db.system.name";
        /// Where the service runs (`production`, `staging`).
        DEPLOYMENT_ENVIRONMENT_NAME = "deployment.environment.name";
        /// The redacted text of an error that the program goes on after.
        ERROR_MESSAGE = "error.message";
        /// The class of an error: a type's path or a code, never a message.
        ERROR_TYPE = "error.type";
        /// The redacted text of an error; on the event `exception`.
        EXCEPTION_MESSAGE = "exception.message";
        /// The backtrace that an error has captured, where `RUST_BACKTRACE` asks for backtraces.
        EXCEPTION_STACKTRACE = "exception.stacktrace";
        /// The same as `error.type`; on the event `exception`.
        EXCEPTION_TYPE = "exception.type";
        /// The exporter of obs: `otlp`, `console`, … Defined by obs.
        EXPORTER = "exporter";
        /// The function that was called (autometrics).
        FUNCTION = "function";
        /// What an agent is for, as the program says it.
        GEN_AI_AGENT_DESCRIPTION = "gen_ai.agent.description";
        /// The agent or workflow, as the program names it.
        GEN_AI_AGENT_NAME = "gen_ai.agent.name";
        /// The id of the conversation that a call belongs to, as the provider or the program has it.
        GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id";
        /// How many numbers an embedding has.
        GEN_AI_EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count";
        /// The operation that is asked of the model: `chat`, `embeddings`, …
        GEN_AI_OPERATION_NAME = "gen_ai.operation.name";
        /// The type of the content that is asked for: `text`, `json`, `image`, `speech`.
        GEN_AI_OUTPUT_TYPE = "gen_ai.output.type";
        /// The name of the template that the prompt is made of.
        GEN_AI_PROMPT_NAME = "gen_ai.prompt.name";
        /// The version of that template.
        GEN_AI_PROMPT_VERSION = "gen_ai.prompt.version";
        /// Who serves the model, as the client knows it: `openai`, `aws.bedrock`, …
        GEN_AI_PROVIDER_NAME = "gen_ai.provider.name";
        /// How many answers are asked for; absent if one.
        GEN_AI_REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count";
        /// The formats in which embeddings are asked for.
        GEN_AI_REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats";
        /// The penalty for tokens that are frequent so far.
        GEN_AI_REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty";
        /// The most output tokens that the request allows.
        GEN_AI_REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens";
        /// The model that was asked for, as it was written.
        GEN_AI_REQUEST_MODEL = "gen_ai.request.model";
        /// The penalty for tokens that occurred so far.
        GEN_AI_REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty";
        /// The id of the response that the request goes on from.
        GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID = "gen_ai.request.previous_response.id";
        /// How much the model is to reason, in the provider's word.
        GEN_AI_REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level";
        /// The seed of the sampling.
        GEN_AI_REQUEST_SEED = "gen_ai.request.seed";
        /// The texts at which the model stops.
        GEN_AI_REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences";
        /// Whether the answer is streamed; absent if not.
        GEN_AI_REQUEST_STREAM = "gen_ai.request.stream";
        /// The temperature of the request.
        GEN_AI_REQUEST_TEMPERATURE = "gen_ai.request.temperature";
        /// How many tokens each token is sampled from.
        GEN_AI_REQUEST_TOP_K = "gen_ai.request.top_k";
        /// The share of probability that tokens are sampled from.
        GEN_AI_REQUEST_TOP_P = "gen_ai.request.top_p";
        /// Why the model stopped: one text per choice, in order.
        GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons";
        /// The provider's id of the answer.
        GEN_AI_RESPONSE_ID = "gen_ai.response.id";
        /// The model that answered.
        GEN_AI_RESPONSE_MODEL = "gen_ai.response.model";
        /// Seconds until the first chunk of a stream.
        GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk";
        /// Kind of content that tokens stand for: `text`, `image`, `audio`, `unknown`.
        GEN_AI_TOKEN_MODALITY = "gen_ai.token.modality";
        /// The id that the model, or its provider, gave to the call of a tool.
        GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id";
        /// What a tool does, as the model is told.
        GEN_AI_TOOL_DESCRIPTION = "gen_ai.tool.description";
        /// The tool, as the model knows it.
        GEN_AI_TOOL_NAME = "gen_ai.tool.name";
        /// Who runs a tool: `function` if the program does.
        GEN_AI_TOOL_TYPE = "gen_ai.tool.type";
        /// Input tokens of sound; part of the input tokens.
        GEN_AI_USAGE_AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens";
        /// Output tokens of sound; part of the output tokens.
        GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens";
        /// Input tokens that were read from the provider's cache; part of the input tokens.
        GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens";
        /// Input tokens that were written to the provider's cache; part of the input tokens.
        GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens";
        /// Input tokens of images; part of the input tokens.
        GEN_AI_USAGE_IMAGE_INPUT_TOKENS = "gen_ai.usage.image.input_tokens";
        /// Output tokens of images; part of the output tokens.
        GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS = "gen_ai.usage.image.output_tokens";
        /// All input tokens, cached ones among them.
        GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens";
        /// All output tokens, those of reasoning among them.
        GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
        /// Output tokens of reasoning; part of the output tokens.
        GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens";
        /// The method: `GET`, `POST`, …; `_OTHER` for one that is not known.
        HTTP_REQUEST_METHOD = "http.request.method";
        /// A method that is not known, as it was sent.
        HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original";
        /// Which repetition of a request it is, from 1; absent on the first attempt.
        HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count";
        /// The status of the response: `200`, `404`, …
        HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";
        /// The pattern of the path that the server chose its handler by: `/users/{id}`.
        HTTP_ROUTE = "http.route";
        /// Nanoseconds that a call with `timings` waited; the key is that of tracing-opentelemetry.
        IDLE_NS = "idle_ns";
        /// `warn`, `info`, … on an event `exception` whose severity `err(level = …)` gives; the key
        /// is that of tracing-opentelemetry.
        LEVEL = "level";
        /// The path of a handler of pipelines, or the place of its closure. Defined by obs.
        HANDLER = "handler";
        /// The processor's architecture (`amd64`, `arm64`).
        HOST_ARCH = "host.arch";
        /// The machine's name.
        HOST_NAME = "host.name";
        /// The cluster, from the downward API.
        K8S_CLUSTER_NAME = "k8s.cluster.name";
        /// The container in its pod, from the downward API.
        K8S_CONTAINER_NAME = "k8s.container.name";
        /// The deployment, from the downward API.
        K8S_DEPLOYMENT_NAME = "k8s.deployment.name";
        /// The namespace, from the downward API or the service account.
        K8S_NAMESPACE_NAME = "k8s.namespace.name";
        /// The node, from the downward API.
        K8S_NODE_NAME = "k8s.node.name";
        /// The pod, from the downward API.
        K8S_POD_NAME = "k8s.pod.name";
        /// The pod's UID, from the downward API or the control group.
        K8S_POD_UID = "k8s.pod.uid";
        /// The metric that a number of obs' own account is about. Defined by obs.
        METRIC = "metric";
        /// The path of the function's module (autometrics).
        MODULE = "module";
        /// The address at the other end of the connection.
        NETWORK_PEER_ADDRESS = "network.peer.address";
        /// The port at the other end of the connection.
        NETWORK_PEER_PORT = "network.peer.port";
        /// The version of the protocol: `1.1`, `2`, `3`.
        NETWORK_PROTOCOL_VERSION = "network.protocol.version";
        /// A notifier of alerts: `webhook`, `log`, … Defined by obs.
        NOTIFIER = "notifier";
        /// Why an agent was stopped: `steps`, `tool_calls`, `repeated` or `timeout`. Defined by obs.
        OBS_AGENT_STOP_REASON = "obs.agent.stop_reason";
        /// What a cache had for a call: `hit`, `shared`, `miss` or `no_key`. Defined by obs.
        OBS_CACHE_LOOKUP = "obs.cache.lookup";
        /// The correlation id of what caused a workflow. Defined by obs.
        OBS_CAUSATION_ID = "obs.causation.id";
        /// What ties together all work for one request. Defined by obs.
        OBS_CORRELATION_ID = "obs.correlation.id";
        /// What a call cost at least, in US dollars; absent where `operation.cost` says it exactly. Defined by obs.
        OBS_COST_AT_LEAST = "obs.cost.at_least";
        /// What a call cost at most, in US dollars; absent where nothing bounds it. Defined by obs.
        OBS_COST_AT_MOST = "obs.cost.at_most";
        /// Why the cost of a call is not known exactly: `cut`, `no_usage`, `unpriced_model`, … Defined by obs.
        OBS_COST_REASONS = "obs.cost.reasons";
        /// What became of an attempt of a model call: `answered`, `refused`, `cut` or `unknown`. Defined by obs.
        OBS_LLM_ATTEMPT_END = "obs.llm.attempt.end";
        /// The layer that made an attempt, or `body`. Defined by obs.
        OBS_LLM_ATTEMPT_MADE_BY = "obs.llm.attempt.made_by";
        /// How many seconds the provider asked to wait before the next attempt. Defined by obs.
        OBS_LLM_ATTEMPT_RETRY_AFTER = "obs.llm.attempt.retry_after";
        /// How many requests a call made to the provider, if more than one. Defined by obs.
        OBS_LLM_ATTEMPTS = "obs.llm.attempts";
        /// The tier that a call asks for, in the provider's word; of OpenAI `openai.request.service_tier`. Defined by obs.
        OBS_LLM_REQUEST_TIER = "obs.llm.request.tier";
        /// The tier that served a call, in the provider's word; of OpenAI `openai.response.service_tier`. Defined by obs.
        OBS_LLM_RESPONSE_TIER = "obs.llm.response.tier";
        /// How many chunks of a streamed answer came. Defined by obs.
        OBS_LLM_STREAM_CHUNKS = "obs.llm.stream.chunks";
        /// Seconds in which the provider of a streamed answer waited for the reader. Defined by obs.
        OBS_LLM_STREAM_CONSUMER_TIME = "obs.llm.stream.consumer_time";
        /// Seconds in which the reader of a streamed answer waited for the provider. Defined by obs.
        OBS_LLM_STREAM_PROVIDER_TIME = "obs.llm.stream.provider_time";
        /// Seconds until the first chunk of a streamed answer that holds output of the model. Defined by obs.
        OBS_LLM_TIME_TO_FIRST_TOKEN = "obs.llm.time_to_first_token";
        /// `cancelled` on a span whose future was dropped before it was ready; absent otherwise.
        /// Defined by obs, as OpenTelemetry has no status for it.
        OBS_OUTCOME = "obs.outcome";
        /// The pipeline that a run or task belongs to. Defined by obs.
        OBS_PIPELINE_NAME = "obs.pipeline.name";
        /// How many records the tasks of a run counted. Defined by obs.
        OBS_PIPELINE_RECORDS = "obs.pipeline.records";
        /// `succeeded`, `failed`, `cancelled` or `timed_out`. Defined by obs.
        OBS_PIPELINE_STATE = "obs.pipeline.state";
        /// How many attempts of synchronous tasks still ran when their run ended; absent if none
        /// did. Defined by obs.
        OBS_PIPELINE_STILL_RUNNING = "obs.pipeline.still_running";
        /// Why a router took its route: `routing_function`, `invalid_route_fallback`, … Defined by obs.
        OBS_ROUTER_REASON = "obs.router.reason";
        /// The route that a router took. Defined by obs.
        OBS_ROUTER_ROUTE = "obs.router.route";
        /// The id of a pipeline run, as in its result. Defined by obs.
        OBS_RUN_ID = "obs.run.id";
        /// Which attempt of a step the span is, from 2. Defined by obs.
        OBS_STEP_ATTEMPT = "obs.step.attempt";
        /// The position of a step in its sequence or parallel, from 0. Defined by obs.
        OBS_STEP_INDEX = "obs.step.index";
        /// What a step does with those inside of it: `function`, `sequence`, `retry`, … Defined by obs.
        OBS_STEP_KIND = "obs.step.kind";
        /// What became of a step that was not in time: `timed_out`, `fallback` or `late`. Defined by obs.
        OBS_STEP_TIMEOUT = "obs.step.timeout";
        /// How many steps the sequence or parallel has. Defined by obs.
        OBS_STEP_TOTAL = "obs.step.total";
        /// What the keys of a workflow's tags begin with. Defined by obs.
        OBS_TAG = "obs.tag";
        /// Which attempt of a task the span is, from 1. Defined by obs.
        OBS_TASK_ATTEMPT = "obs.task.attempt";
        /// Which item of a mapped task the span is for, from 0. Defined by obs.
        OBS_TASK_ITEM = "obs.task.item";
        /// What a tool does to the world: `read`, `write` or `external`. Defined by obs.
        OBS_TOOL_EFFECT = "obs.tool.effect";
        /// Price of all model calls of an agent and of the agents inside of it, in US dollars. Defined by obs.
        OBS_TOTAL_COST = "obs.total.cost";
        /// What they cost at least, where it is not known exactly. Defined by obs.
        OBS_TOTAL_COST_AT_LEAST = "obs.total.cost.at_least";
        /// What they cost at most, where it is not known exactly and something bounds it. Defined by obs.
        OBS_TOTAL_COST_AT_MOST = "obs.total.cost.at_most";
        /// Input tokens of all model calls of an agent and of the agents inside of it. Defined by obs.
        OBS_TOTAL_INPUT_TOKENS = "obs.total.input_tokens";
        /// How many model calls they made. Defined by obs.
        OBS_TOTAL_MODEL_CALLS = "obs.total.model_calls";
        /// Output tokens of all these model calls. Defined by obs.
        OBS_TOTAL_OUTPUT_TOKENS = "obs.total.output_tokens";
        /// How many tool calls they made. Defined by obs.
        OBS_TOTAL_TOOL_CALLS = "obs.total.tool_calls";
        /// The id of a workflow. Defined by obs.
        OBS_WORKFLOW_ID = "obs.workflow.id";
        /// How many vectors an operation wrote or returned. Defined by obs, as the conventions have
        /// no vector stores.
        OBS_VECTOR_COUNT = "obs.vector.count";
        /// How many numbers each vector has. Defined by obs.
        OBS_VECTOR_DIMENSIONS = "obs.vector.dimensions";
        /// The tier that a call of OpenAI asks for; absent if `auto`.
        OPENAI_REQUEST_SERVICE_TIER = "openai.request.service_tier";
        /// The tier that served a call of OpenAI.
        OPENAI_RESPONSE_SERVICE_TIER = "openai.response.service_tier";
        /// Price of the call in US dollars. No convention has a key for it; this is the one that
        /// Logfire and Pydantic AI write and read.
        OPERATION_COST = "operation.cost";
        /// `true` on the series that counts what exceeds a metric's limit of series.
        OTEL_METRIC_OVERFLOW = "otel.metric.overflow";
        /// The library that made a span or a metric through OpenTelemetry's API ("Non-OTLP exporters",
        /// instrumentation scope).
        OTEL_SCOPE_NAME = "otel.scope.name";
        /// The URL of the schema that the names of the library of `otel.scope.name` follow.
        OTEL_SCOPE_SCHEMA_URL = "otel.scope.schema_url";
        /// The version of the library of `otel.scope.name`.
        OTEL_SCOPE_VERSION = "otel.scope.version";
        /// The operating system as people call it (`Debian GNU/Linux 12 (bookworm)`).
        OS_DESCRIPTION = "os.description";
        /// The operating system's name (`Debian GNU/Linux`).
        OS_NAME = "os.name";
        /// The operating system's family (`linux`, `darwin`, `windows`).
        OS_TYPE = "os.type";
        /// The operating system's version.
        OS_VERSION = "os.version";
        /// What became of the items of an exporter or the alerts of a notifier. Defined by obs.
        OUTCOME = "outcome";
        /// The pipeline of a run or a task, as a label. Defined by obs.
        PIPELINE = "pipeline";
        /// The name of the program's file.
        PROCESS_EXECUTABLE_NAME = "process.executable.name";
        /// The id of the process.
        PROCESS_PID = "process.pid";
        /// The language runtime, which is always `rust`.
        PROCESS_RUNTIME_NAME = "process.runtime.name";
        /// Why something was lost (see `DropReason`), or why a call has no price. Defined by obs.
        REASON = "reason";
        /// The route that a router took, as a label. Defined by obs.
        ROUTE = "route";
        /// A router, by its name. Defined by obs.
        ROUTER = "router";
        /// How a call ended (autometrics): `ok`, `error`, and here also `cancelled`.
        RESULT = "result";
        /// What a function with the argument `ret` returned; the name is that of `tracing`.
        RETURN = "return";
        /// The method of a remote procedure call with its service: `shop.Orders/Place`.
        RPC_METHOD = "rpc.method";
        /// The status of a remote procedure call: `OK`, `NOT_FOUND`, …
        RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code";
        /// The system of remote procedure calls: `grpc`.
        RPC_SYSTEM_NAME = "rpc.system.name";
        /// The name or address that the client asked.
        SERVER_ADDRESS = "server.address";
        /// The port that the client asked.
        SERVER_PORT = "server.port";
        /// One running copy of the service: a random UUID.
        SERVICE_INSTANCE_ID = "service.instance.id";
        /// The session that a workflow is a part of.
        SESSION_ID = "session.id";
        /// The service; the same for all its copies.
        SERVICE_NAME = "service.name";
        /// The service's version.
        SERVICE_VERSION = "service.version";
        /// Whom a streamed answer waited for: `provider` or `consumer`. Defined by obs.
        SIDE = "side";
        /// What an exporter sends: `traces`, `metrics` or `logs`. Defined by obs.
        SIGNAL = "signal";
        /// How many items a returned stream gave, errors among them. Defined by obs.
        OBS_STREAM_ITEMS = "obs.stream.items";
        /// Seconds from the return of a stream to its first item. Defined by obs.
        OBS_STREAM_TIME_TO_FIRST_ITEM = "obs.stream.time_to_first_item";
        /// A step, by its name. Defined by obs.
        STEP = "step";
        /// How a run or a task ended, as a label: `succeeded`, `failed`, … Defined by obs.
        STATE = "state";
        /// Whether a page had to be read from a disk (`major`) or not (`minor`).
        SYSTEM_PAGING_FAULT_TYPE = "system.paging.fault.type";
        /// A task of a pipeline. Defined by obs.
        TASK = "task";
        /// The language that obs is written for.
        TELEMETRY_SDK_LANGUAGE = "telemetry.sdk.language";
        /// The name of obs.
        TELEMETRY_SDK_NAME = "telemetry.sdk.name";
        /// The version of obs.
        TELEMETRY_SDK_VERSION = "telemetry.sdk.version";
        /// A tokio runtime, where there are several. Defined by obs.
        TOKIO_RUNTIME_NAME = "tokio.runtime.name";
        /// A worker of a tokio runtime, from 0. Defined by obs.
        TOKIO_WORKER_INDEX = "tokio.worker.index";
        /// The whole URL of an outgoing request, without secrets.
        URL_FULL = "url.full";
        /// The path of a URL.
        URL_PATH = "url.path";
        /// The part of a URL behind the `?`, without secrets.
        URL_QUERY = "url.query";
        /// The scheme of a URL: `http` or `https`.
        URL_SCHEME = "url.scheme";
        /// The pattern of an outgoing request's path: `/users/{id}`.
        URL_TEMPLATE = "url.template";
        /// The client, as it names itself.
        USER_AGENT_ORIGINAL = "user_agent.original";
    }
}

pub mod metric;

/// Names of metrics of model calls from before release 0.1.0 of their conventions, and of a label. Nothing of obs has
/// them: [`llm::recording_rules`](crate::llm::recording_rules) maps to them.
#[cfg(feature = "llm")]
pub(crate) mod former {
    pub(crate) const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
    pub(crate) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
    pub(crate) const TOKEN_TYPE: &str = "gen_ai.token.type";
    pub(crate) const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
}

/// The names of span events and log records.
pub mod event {
    keys! {
        /// The name of the log record of a database operation that failed.
        DB_CLIENT_OPERATION_EXCEPTION = "db.client.operation.exception";
        /// The name of the span event or log record of something that failed.
        EXCEPTION = "exception";
        /// The name of the log record of an inference that failed.
        GEN_AI_CLIENT_INFERENCE_EXCEPTION = "gen_ai.client.inference.exception";
        /// The name of the log record of another call to a provider of models that failed.
        GEN_AI_CLIENT_OPERATION_EXCEPTION = "gen_ai.client.operation.exception";
        /// The call of a tool failed; its attributes are those of an exception.
        GEN_AI_EXECUTE_TOOL_EXCEPTION = "gen_ai.execute_tool.exception";
        /// An attempt of a model call, on the call's span: where there were several, or one was refused. Defined by obs.
        OBS_LLM_ATTEMPT = "obs.llm.attempt";
    }
}

/// A metric's definition.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricDef {
    /// The OpenTelemetry name.
    pub name: &'static str,
    /// The UCUM unit; empty if there is none.
    pub unit: &'static str,
    /// The description, in one sentence.
    pub description: &'static str,
    /// The upper bounds of a histogram's buckets; empty for other kinds.
    pub bounds: &'static [f64],
}

impl MetricDef {
    pub(crate) const fn new(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        bounds: &'static [f64],
    ) -> Self {
        Self {
            name,
            unit,
            description,
            bounds,
        }
    }
}

#[cfg(test)]
#[path = "semconv_tests.rs"]
mod tests;
