//! The metrics that obs emits.

use super::MetricDef;

/// Declares metrics, and the list of them.
macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $unit:literal, $text:literal, $bounds:expr;)*) => {
        $(
            #[doc = $text]
            $(#[$doc])*
            pub const $name: MetricDef = MetricDef::new($key, $unit, $text, $bounds);
        )*

        /// The list of all metrics, in the order of their declaration.
        pub const ALL: &[MetricDef] = &[$($name),*];
    };
}

/// Durations of model calls, seconds (GenAI metrics, "advisory bucket boundaries").
const CALL_SECONDS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Token counts (GenAI metrics).
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Durations of agents, seconds (GenAI metrics).
const AGENT_SECONDS: &[f64] = &[
    0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6,
];
/// Calls that an agent makes (GenAI metrics).
const AGENT_CALLS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Durations of database calls, seconds (database metrics).
const DB_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Durations of pipelines and their tasks, seconds: up to hours.
const PIPELINE_SECONDS: &[f64] = &[
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0,
];

/// Durations of functions, seconds (autometrics, and the HTTP semantic conventions).
pub(crate) const FUNCTION_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

metrics! {
    ALERTS = "obs.alerts", "{alert}", "Alerts by notifier and outcome.", &[];
    DB_CLIENT_OPERATION_DURATION = "db.client.operation.duration", "s", "Duration of database client operations.", DB_SECONDS;
    /// The name is the one that autometrics uses.
    FUNCTION_CALLS = "function.calls", "{call}", "Calls of annotated functions.", &[];
    /// The name is the one that autometrics uses.
    FUNCTION_CALLS_CONCURRENT = "function.calls.concurrent", "{call}", "Calls of annotated functions that are running.", &[];
    /// The name is the one that autometrics uses.
    FUNCTION_CALLS_DURATION = "function.calls.duration", "s", "Duration of calls of annotated functions.", FUNCTION_SECONDS;
    GEN_AI_EMBEDDINGS_DURATION = "gen_ai.client.embeddings.duration", "s", "Duration of embeddings calls.", CALL_SECONDS;
    GEN_AI_EMBEDDINGS_INPUT_TOKENS = "gen_ai.client.embeddings.operation.input_tokens", "{token}", "Input tokens of each embeddings call.", TOKENS;
    GEN_AI_EXECUTE_TOOL_DURATION = "gen_ai.execute_tool.duration", "s", "Duration of tool calls.", CALL_SECONDS;
    GEN_AI_INFERENCE_DURATION = "gen_ai.client.inference.duration", "s", "Duration of inference calls.", CALL_SECONDS;
    GEN_AI_INFERENCE_INPUT_TOKENS = "gen_ai.client.inference.operation.input_tokens", "{token}", "Input tokens of each inference call.", TOKENS;
    GEN_AI_INFERENCE_OUTPUT_TOKENS = "gen_ai.client.inference.operation.output_tokens", "{token}", "Output tokens of each inference call.", TOKENS;
    GEN_AI_INFERENCE_TIME_PER_OUTPUT_CHUNK = "gen_ai.client.inference.time_per_output_chunk", "s", "Time that was waited for each chunk of a streamed answer after the first.", CALL_SECONDS;
    GEN_AI_INFERENCE_TIME_TO_FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk", "s", "Time until the first chunk of a streamed answer.", CALL_SECONDS;
    GEN_AI_INVOKE_AGENT_DURATION = "gen_ai.invoke_agent.duration", "s", "Duration of agents.", AGENT_SECONDS;
    GEN_AI_INVOKE_AGENT_INFERENCE_CALLS = "gen_ai.invoke_agent.inference_calls", "{inference_call}", "Model calls that an agent made itself.", AGENT_CALLS;
    GEN_AI_INVOKE_AGENT_TOOL_CALLS = "gen_ai.invoke_agent.tool_calls", "{tool_call}", "Tool calls that an agent made itself.", AGENT_CALLS;
    GEN_AI_OPERATION_DURATION = "gen_ai.client.operation.duration", "s", "Duration of other calls to a model provider.", CALL_SECONDS;
    GEN_AI_RETRIEVAL_DURATION = "gen_ai.retrieval.duration", "s", "Duration of retrievals.", CALL_SECONDS;
    GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Input tokens read from the provider's cache.", &[];
    GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.client.inference.usage.cache_write.input_tokens", "{token}", "Input tokens written to the provider's cache.", &[];
    GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.client.inference.usage.input_tokens", "{token}", "Input tokens, cached ones among them.", &[];
    GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.client.inference.usage.output_tokens", "{token}", "Output tokens, those of reasoning among them.", &[];
    GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.client.inference.usage.reasoning.output_tokens", "{token}", "Output tokens of reasoning.", &[];
    HTTP_CLIENT_REQUEST_DURATION = "http.client.request.duration", "s", "Duration of HTTP client requests.", FUNCTION_SECONDS;
    HTTP_SERVER_REQUEST_DURATION = "http.server.request.duration", "s", "Duration of HTTP server requests.", FUNCTION_SECONDS;
    /// Defined by obs, as no convention has a metric for it.
    OBS_AGENT_ACTIVE = "obs.agent.active", "{agent}", "Agents and workflows that are running.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_AGENT_OVERRUNS = "obs.agent.overruns", "{call}", "Calls that began though their agent was stopped: those of tasks and threads that cannot say so.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_AGENT_STOPS = "obs.agent.stops", "{stop}", "Agents that were stopped, or went beyond a limit, by reason.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_CACHE_LOOKUPS = "obs.cache.lookups", "{lookup}", "Lookups of caches by outcome.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_CACHE_STORE_FAILURES = "obs.cache.store_failures", "{failure}", "Times that the store of a cache failed to read or to write.", &[];
    OBS_DROPPED = "obs.dropped", "{item}", "Spans, metric points and log records that obs lost, by signal and reason.", &[];
    OBS_EXPORTER_IN_FLIGHT = "obs.exporter.in_flight", "{item}", "Spans, metric points and log records that an exporter gathers, queues or sends.", &[];
    OBS_EXPORTER_ITEMS = "obs.exporter.items", "{item}", "Spans, metric points and log records that an exporter is done with, by outcome.", &[];
    OBS_EXPORTER_SPOOLED = "obs.exporter.spooled", "{item}", "Spans, metric points and log records that wait on disk for their receiver.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_ACTIVE = "obs.llm.active", "{call}", "Model calls that are running.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_COST = "obs.llm.cost", "USD", "Price of model calls.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_RATE_LIMITED = "obs.llm.rate_limited", "{attempt}", "Attempts of model calls that were answered 429.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_RETRIES = "obs.llm.retries", "{attempt}", "Attempts of model calls after the first.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_RETRY_AFTER = "obs.llm.retry_after", "s", "How long providers asked to wait after a 429.", CALL_SECONDS;
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_STALLED = "obs.llm.stalled", "{call}", "Model calls whose stream stands still for longer than its reader may wait.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_STALLS = "obs.llm.stalls", "{stall}", "Times that the stream of a model call stood still for longer than its reader may wait.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_STREAM_DURATION = "obs.llm.stream.duration", "s", "Time that streamed answers took, by the side that was waited for.", CALL_SECONDS;
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_TIME_TO_FIRST_TOKEN = "obs.llm.time_to_first_token", "s", "Time until the first chunk of a streamed answer that holds output.", CALL_SECONDS;
    /// Defined by obs, as no convention has a metric for it.
    OBS_LLM_UNPRICED = "obs.llm.unpriced", "{call}", "Model calls whose cost is not known exactly, by reason.", &[];
    OBS_LOGS_RECORDED = "obs.logs.recorded", "{record}", "Log records that were made.", &[];
    OBS_METRICS_OVERFLOWED = "obs.metrics.overflowed", "{lookup}", "Lookups of label values that fell into the overflow series.", &[];
    OBS_METRICS_REFUSED = "obs.metrics.refused", "{value}", "Values that a metric did not take: no valid amount, or given without its labels or as another kind.", &[];
    OBS_PIPELINE_ACTIVE_ATTEMPTS = "obs.pipeline.active_attempts", "{attempt}", "Attempts of tasks that work.", &[];
    OBS_PIPELINE_ACTIVE_RUNS = "obs.pipeline.active_runs", "{run}", "Runs of pipelines that have begun and not ended, handlers included.", &[];
    OBS_PIPELINE_COST = "obs.pipeline.cost", "USD", "Price of the model calls of tasks, as far as it is known: at least.", &[];
    OBS_PIPELINE_DETACHED = "obs.pipeline.detached", "{thread}", "Threads of synchronous tasks that go on although nobody waits for them any more: after a timeout, a deadline, or a cancel.", &[];
    OBS_PIPELINE_HANDLER_CALLS = "obs.pipeline.handler.calls", "{call}", "Calls of handlers of pipelines by result: `ok`, `error`, `panic`, or `timeout` for one that took longer than its deadline.", &[];
    OBS_PIPELINE_ITEMS = "obs.pipeline.items", "{item}", "Items of mapped tasks by the state in which they ended.", &[];
    OBS_PIPELINE_MODEL_CALLS = "obs.pipeline.model_calls", "{call}", "Model calls of tasks.", &[];
    OBS_PIPELINE_QUEUE_DEPTH = "obs.pipeline.queue.depth", "{attempt}", "Attempts of tasks that wait for a slot of their run or of a limit.", &[];
    OBS_PIPELINE_QUEUE_WAIT_TIME = "obs.pipeline.queue.wait_time", "s", "Time that tasks waited for slots, of those that may have to.", PIPELINE_SECONDS;
    OBS_PIPELINE_RECORDS = "obs.pipeline.records", "{record}", "Records that tasks counted.", &[];
    OBS_PIPELINE_RUNS = "obs.pipeline.runs", "{run}", "Runs of pipelines by state.", &[];
    OBS_PIPELINE_RUN_DURATION = "obs.pipeline.run.duration", "s", "Duration of runs of pipelines.", PIPELINE_SECONDS;
    OBS_PIPELINE_TASKS = "obs.pipeline.tasks", "{task}", "Tasks of runs by the state in which they ended.", &[];
    OBS_PIPELINE_TASK_DURATION = "obs.pipeline.task.duration", "s", "Duration of tasks, from the first attempt to the end of the last.", PIPELINE_SECONDS;
    OBS_PIPELINE_TASK_ERRORS = "obs.pipeline.task.errors", "{task}", "Tasks that failed, timed out, panicked or crashed, by the type of the error.", &[];
    OBS_PIPELINE_TASK_RETRIES = "obs.pipeline.task.retries", "{retry}", "Attempts of tasks after their first.", &[];
    OBS_PROMETHEUS_LEFT_OUT = "obs.prometheus.left_out", "{series}", "Metrics and series that pages for Prometheus left out, because others have their names.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_ROUTER_DECISIONS = "obs.router.decisions", "{decision}", "Decisions of routers by route and reason.", &[];
    OBS_SPANS_RECORDED = "obs.spans.recorded", "{span}", "Sampled spans that ended.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_STEP_FALLBACKS = "obs.step.fallbacks", "{fallback}", "Steps that failed and that another one stood in for.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_STEP_RETRIES = "obs.step.retries", "{retry}", "Attempts of steps after their first.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_STEP_SAVINGS = "obs.step.savings", "USD", "What caches and cheaper routes have saved, as the program says it.", &[];
    /// Defined by obs, as no convention has a metric for it.
    OBS_STEP_TIMEOUTS = "obs.step.timeouts", "{timeout}", "Steps that were not in time, by outcome.", &[];
    OBS_TAIL_SAMPLING_EVICTED = "obs.tail_sampling.evicted", "{trace}", "Traces that tail sampling decided early for want of memory.", &[];
    OBS_TAIL_SAMPLING_WAITING = "obs.tail_sampling.waiting", "{span}", "Spans that wait for tail sampling to decide.", &[];
    PROCESS_CPU_TIME = "process.cpu.time", "s", "CPU time that the process took.", &[];
    PROCESS_MEMORY_USAGE = "process.memory.usage", "By", "Physical memory that the process has.", &[];
    PROCESS_MEMORY_VIRTUAL = "process.memory.virtual", "By", "Virtual memory that the process has.", &[];
    PROCESS_PAGING_FAULTS = "process.paging.faults", "{fault}", "Page faults of the process.", &[];
    PROCESS_THREAD_COUNT = "process.thread.count", "{thread}", "Threads of the process.", &[];
    PROCESS_UNIX_FILE_DESCRIPTOR_COUNT = "process.unix.file_descriptor.count", "{file_descriptor}", "File descriptors that the process has open.", &[];
    PROCESS_UPTIME = "process.uptime", "s", "Time since the process began.", &[];
    RPC_CLIENT_CALL_DURATION = "rpc.client.call.duration", "s", "Duration of outgoing remote procedure calls.", FUNCTION_SECONDS;
    RPC_SERVER_CALL_DURATION = "rpc.server.call.duration", "s", "Duration of incoming remote procedure calls.", FUNCTION_SECONDS;
    /// Defined by obs, as no convention has metrics of tokio.
    TOKIO_GLOBAL_QUEUE_DEPTH = "tokio.global_queue.depth", "{task}", "Tasks that wait for any worker of the tokio runtime.", &[];
    /// Defined by obs, as no convention has metrics of tokio.
    TOKIO_TASK_COUNT = "tokio.task.count", "{task}", "Tasks of the tokio runtime that have not ended.", &[];
    /// Defined by obs, as no convention has metrics of tokio.
    TOKIO_WORKER_BUSY_TIME = "tokio.worker.busy.time", "s", "Time that a worker of the tokio runtime worked.", &[];
    /// Defined by obs, as no convention has metrics of tokio.
    TOKIO_WORKER_COUNT = "tokio.worker.count", "{worker}", "Workers of the tokio runtime.", &[];
    /// Defined by obs, as no convention has metrics of tokio.
    TOKIO_WORKER_PARKS = "tokio.worker.parks", "{park}", "How often a worker of the tokio runtime ran out of work.", &[];
}
