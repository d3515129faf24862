//! The table of arguments: which ones each macro takes, and what is said about any other.
//!
//! A new macro starts with a row here, and an argument that all macros on functions take with a
//! word in [`SHARED`].

use super::nearest::nearest;

/// One macro: its name, and the arguments that it alone takes.
#[derive(Debug)]
pub(crate) struct Table {
    /// As users write it, without `#[…]`.
    pub(crate) name: &'static str,
    /// Whether it takes [`SHARED`] too.
    pub(crate) shared: bool,
    pub(crate) own: &'static [&'static str],
    /// The feature of `obs-runtime` without which the macro has no runtime.
    pub(crate) feature: Option<&'static str>,
}

/// Arguments of every macro that makes a span of a function.
pub(crate) const SHARED: &[&str] = &[
    "name",
    "kind",
    "level",
    "target",
    "fields",
    "args",
    "labels",
    "parent",
    "root",
    "links",
    "follows_from",
    "err",
    "ret",
    "ok_if",
    "error_if",
    "metrics",
    "timings",
    "track_concurrency",
    "skip",
    "skip_all",
    "crate",
];

pub(crate) const TRACED: Table = Table {
    name: "traced",
    shared: true,
    own: &["stream"],
    feature: None,
};

pub(crate) const LLM_CALL: Table = Table {
    name: "llm_call",
    shared: true,
    own: &[
        "provider",
        "model",
        "operation",
        "server",
        "max_tokens",
        "temperature",
        "tier",
        "prompt",
        "prompt_version",
        "request",
        "usage",
        "refused",
        "stream",
        "token",
        "stall",
        "capture",
        "budget",
        "reserve",
    ],
    feature: Some("llm"),
};

pub(crate) const VECTOR_OP: Table = Table {
    name: "vector_op",
    shared: true,
    own: &[
        "system",
        "operation",
        "collection",
        "count",
        "dimensions",
        "stream",
    ],
    feature: Some("llm"),
};

pub(crate) const AGENT: Table = agent("agent");
pub(crate) const WORKFLOW: Table = agent("workflow");

/// `#[agent]` and `#[workflow]`.
const fn agent(name: &'static str) -> Table {
    Table {
        name,
        shared: true,
        own: &[
            "description",
            "max_steps",
            "max_tool_calls",
            "max_same_tool_call",
            "timeout",
            "on_stop",
            "stream",
        ],
        feature: Some("llm"),
    }
}

pub(crate) const TOOL_CALL: Table = Table {
    name: "tool_call",
    shared: true,
    own: &["description", "effect", "id", "repeat", "stream"],
    feature: Some("llm"),
};

pub(crate) const MAIN: Table = Table {
    name: "obs_runtime::main",
    shared: false,
    own: &[
        "service",
        "setup",
        "flavor",
        "worker_threads",
        "signals",
        "crate",
    ],
    feature: Some("tokio"),
};

pub(crate) const PIPELINE_TASK: Table = Table {
    name: "pipeline_task",
    shared: true,
    own: &[
        "pipeline",
        "depends_on",
        "retries",
        "backoff",
        "delay",
        "max_delay",
        "jitter",
        "max_elapsed",
        "retry_if",
        "retry_after",
        "timeout",
        "deadline",
        "queue_timeout",
        "concurrency",
        "run_if",
        "when",
        "map",
        "cache",
        "effects",
        "version",
        "records",
    ],
    feature: Some("pipeline"),
};

/// `#[on_failure]`, `#[on_complete]`, `#[on_cancel]` and `#[on_late]`.
pub(crate) const fn handler(name: &'static str) -> Table {
    Table {
        name,
        shared: true,
        own: &["pipeline", "task", "deadline"],
        feature: Some("pipeline"),
    }
}

pub(crate) const ON_FAILURE: Table = handler("on_failure");
pub(crate) const ON_COMPLETE: Table = handler("on_complete");
pub(crate) const ON_CANCEL: Table = handler("on_cancel");
pub(crate) const ON_LATE: Table = handler("on_late");

/// Every table, for "that is an argument of another macro".
const ALL: &[&Table] = &[
    &TRACED,
    &LLM_CALL,
    &VECTOR_OP,
    &AGENT,
    &WORKFLOW,
    &TOOL_CALL,
    &MAIN,
    &PIPELINE_TASK,
    &ON_FAILURE,
    &ON_COMPLETE,
    &ON_CANCEL,
    &ON_LATE,
];

impl Table {
    pub(crate) fn accepts(&self, name: &str) -> bool {
        self.own.contains(&name) || (self.shared && SHARED.contains(&name))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let shared = if self.shared { SHARED } else { &[] };
        self.own.iter().chain(shared).copied()
    }

    /// What to say about an argument that the macro does not take.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let this = self.name;
        if SHARED.contains(&name) {
            return format!(
                "`{name}` is an argument of `#[traced]` and the other macros that make spans, not of `#[{this}]`"
            );
        }
        let others: Vec<_> = ALL
            .iter()
            .filter(|table| table.accepts(name))
            .map(|table| format!("`#[{}]`", table.name))
            .collect();
        if let Some(near) = nearest(name, self.names()).filter(|_| others.is_empty()) {
            return format!("`#[{this}]` has no argument `{name}`; did you mean `{near}`?");
        }
        if !others.is_empty() {
            return format!(
                "`{name}` is an argument of {}, not of `#[{this}]`",
                others.join(" and ")
            );
        }
        let names: Vec<_> = self.names().map(|n| format!("`{n}`")).collect();
        format!(
            "`#[{this}]` has no argument `{name}`; it takes {}",
            names.join(", ")
        )
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
