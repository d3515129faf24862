//! `docs/what-leaves-the-process.md` says every name that obs emits. It is made from the registry of names
//! (`obs-runtime/src/semconv.rs`), so that neither can change alone.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Who sets the attributes of a namespace, and whether they can hold what users typed. The first that fits counts.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    (
        "exception.message",
        "the text of an error, after the redaction",
        "yes",
    ),
    (
        "exception.stacktrace",
        "the text of an error, after the redaction",
        "yes",
    ),
    (
        "error.message",
        "the text of an error, after the redaction",
        "yes",
    ),
    ("return", "`#[traced(ret)]`, after the redaction", "yes"),
    ("error.", "an error's type", "no"),
    ("exception.", "an error's type", "no"),
    ("code.", "the macro", "no"),
    ("busy_ns", "`#[traced(timings)]`", "no"),
    ("idle_ns", "`#[traced(timings)]`", "no"),
    ("thread.", "the thread that recorded it", "no"),
    ("gen_ai.input.", "your code, if content is recorded", "yes"),
    ("gen_ai.output.", "your code, if content is recorded", "yes"),
    (
        "gen_ai.system_instructions",
        "your code, if content is recorded",
        "yes",
    ),
    (
        "gen_ai.tool.call.id",
        "`#[tool_call]`, from the provider",
        "no",
    ),
    ("gen_ai.tool.description", "`#[tool_call]`", "no"),
    ("gen_ai.tool.name", "`#[tool_call]`", "no"),
    ("gen_ai.tool.type", "`#[tool_call]`", "no"),
    ("gen_ai.tool.", "your code", "yes"),
    (
        "gen_ai.agent.",
        "`#[agent]`, `#[workflow]`, `#[tool_call]`",
        "no",
    ),
    ("gen_ai.", "`#[llm_call]`, `record_llm_call`", "no"),
    ("openai.", "`#[llm_call]`, `record_llm_call`", "no"),
    ("operation.cost", "`#[llm_call]`, `record_llm_call`", "no"),
    ("obs.cost.", "`#[llm_call]`, `record_llm_call`", "no"),
    ("obs.llm.", "`#[llm_call]`, `record_llm_call`", "no"),
    ("obs.tool.", "`#[tool_call]`", "no"),
    ("obs.total.", "`#[agent]`, `#[workflow]`", "no"),
    ("db.query.text", "your code", "yes"),
    ("db.", "`#[vector_op]`, `record_vector_operation`", "no"),
    (
        "obs.vector.",
        "`#[vector_op]`, `record_vector_operation`",
        "no",
    ),
    ("obs.pipeline.", "a pipeline", "no"),
    ("obs.run.", "a pipeline", "no"),
    ("obs.task.", "a pipeline", "no"),
    ("obs.cache.", "a cache", "no"),
    ("obs.causation.", "your code, on a `WorkflowContext`", "yes"),
    (
        "obs.correlation.",
        "your code, on a `WorkflowContext`",
        "yes",
    ),
    ("obs.router.", "a router of steps", "no"),
    ("obs.step.", "a step", "no"),
    ("obs.tag", "your code, on a `WorkflowContext`", "yes"),
    ("obs.workflow.", "a `WorkflowContext`", "no"),
    ("session.", "your code, on a `WorkflowContext`", "yes"),
    ("obs.stream.", "a returned stream", "no"),
    ("obs.", "obs", "no"),
    ("url.", "your code or a bridge, after the redaction", "yes"),
    ("http.", "your code or a bridge", "no"),
    ("server.", "your code or a bridge", "no"),
    (
        "client.",
        "`tower::layer()`, if it is told whom to trust",
        "an address",
    ),
    (
        "network.peer.",
        "`tower::layer().peer_from(…)`",
        "an address",
    ),
    ("network.", "your code or a bridge", "no"),
    ("rpc.", "your code or a bridge", "no"),
    ("user_agent.", "your code or a bridge", "yes"),
    ("log.", "the log record", "no"),
    ("event.", "the log record", "no"),
    ("container.", "resource: detected", "no"),
    ("deployment.", "resource: `Builder::environment`", "no"),
    ("host.", "resource: detected", "no"),
    ("k8s.", "resource: detected", "no"),
    ("os.", "resource: detected", "no"),
    ("cpu.", "`Builder::process_metrics`", "no"),
    ("system.", "`Builder::process_metrics`", "no"),
    ("tokio.", "`TokioMetrics`", "no"),
    ("process.", "resource: detected", "no"),
    ("service.", "resource: the builder or the environment", "no"),
    ("telemetry.", "resource: obs", "no"),
    ("otel.", "obs, for OpenTelemetry's tools", "no"),
];

/// What has no namespace is the label of a metric.
const LABEL: (&str, &str) = ("label of a metric", "no");

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// One declaration of the registry: its module, its comment, its key, and for a metric unit and description.
struct Entry {
    module: String,
    comment: String,
    parts: Vec<String>,
}

/// The texts in quotation marks of a declaration.
fn texts(line: &str) -> Vec<String> {
    line.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn entries(source: &str) -> Vec<Entry> {
    let mut comment = String::new();
    let mut module = String::new();
    let mut found = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("pub mod ") {
            name.trim_end_matches(" {").clone_into(&mut module);
        }
        if let Some(text) = line.strip_prefix("///") {
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(text.trim());
            continue;
        }
        let name = line.split(" = ").next().unwrap_or_default();
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if line.contains(" = \"") && line.ends_with(';') && name.chars().all(is_name) {
            let comment = std::mem::take(&mut comment);
            let (module, parts) = (module.clone(), texts(line));
            found.push(Entry {
                module,
                comment,
                parts,
            });
        }
        comment.clear();
    }
    found.sort_by(|a, b| a.parts[0].cmp(&b.parts[0]));
    found
}

fn page(source: &str) -> String {
    let all = entries(source);
    let of = |module: &'static str| all.iter().filter(move |entry| entry.module == module);
    let (attributes, events, metrics) = (of("attribute"), of("event"), of("metric"));
    let mut page = String::from(HEAD);
    let (resource, others): (Vec<_>, Vec<_>) =
        attributes.partition(|entry| setter(&entry.parts[0]).0.starts_with("resource"));
    page.push_str("\n## The resource\n\nOnce in each export. `Builder::detect_resource(false)` leaves out what is detected.\n\n");
    page.push_str("| key | what | who sets it | may hold what users typed |\n|---|---|---|---|\n");
    let row = |page: &mut String, entry: &Entry| {
        let key = &entry.parts[0];
        let (who, content) = setter(key);
        let who = who.strip_prefix("resource: ").unwrap_or(who);
        writeln!(page, "| `{key}` | {} | {who} | {content} |", entry.comment).unwrap();
    };
    for entry in resource {
        row(&mut page, entry);
    }
    page.push_str("\n## Attributes of spans, events, logs and metrics\n\n");
    page.push_str("| key | what | who sets it | may hold what users typed |\n|---|---|---|---|\n");
    for entry in others {
        row(&mut page, entry);
    }
    page.push_str("\n## Events\n\nOf spans, and log records; besides those that your code names.\n\n| name | what |\n|---|---|\n");
    for event in events {
        writeln!(page, "| `{}` | {} |", event.parts[0], event.comment).unwrap();
    }
    page.push_str("\n## Metrics\n\nNumbers, by the labels above and by those that your code names.\n\n| name | unit | what |\n|---|---|---|\n");
    for metric in metrics {
        let unit = if metric.parts[1].is_empty() {
            ""
        } else {
            &*metric.parts[1]
        };
        writeln!(
            page,
            "| `{}` | {unit} | {} |",
            metric.parts[0], metric.parts[2]
        )
        .unwrap();
    }
    page
}

fn setter(key: &str) -> (&'static str, &'static str) {
    let found = ATTRIBUTES.iter().find(|(namespace, ..)| {
        key.strip_prefix(namespace)
            .is_some_and(|rest| rest.is_empty() || namespace.ends_with('.'))
    });
    match found {
        Some((_, who, content)) => (who, content),
        None if !key.contains('.') => LABEL,
        None => panic!(
            "{key}: say in tests/tests/runtime/what_leaves.rs who sets it and whether it can hold what users typed"
        ),
    }
}

const HEAD: &str = "# What leaves the process

Made from `obs-runtime/src/semconv.rs` by `tests/tests/runtime/what_leaves.rs`; `OBS_BLESS=1 cargo
test -p obs-tests --test runtime what_leaves` writes it anew.

Nothing leaves the process unless the program or an `OTEL_*` variable names a receiver. Then it
gets:

- **Names and times of the functions that are annotated**, and what this page lists. No argument,
  result, prompt or answer is among it unless the code names it.
- **What your code names**: `fields(…)`, `args` (every parameter), `labels(…)`, `ret`,
  `set_attribute` and `record`, events, names of spans, baggage that it injects. This may hold
  anything. A field with a name like a secret does not compile without `redact` or `allow`; of a
  parameter with such a name, `args` records `***`.
- **The text of errors** (`err = false` leaves it out), because it says most and nobody chose its
  words.

The texts and types of errors, the names, attributes and events of spans, log records and alerts
pass the redaction, which masks passwords, tokens and keys by their names and shapes;
`Builder::redact_pattern` and `Builder::redact_with` add to it. It cannot know every secret: of the
335 texts with secrets in `obs-runtime/src/redact/corpus` 2 show theirs (`my password is swordfish`:
a word), of the 329 innocent texts 1 is changed. It knows secrets, not people: names and addresses
that the code records are exported. Keys and names of metrics do not pass it.

Not collected: arguments of the command line, the user's name, the machine's id, environment
variables other than those that this page and the README name.
";

#[test]
fn the_page_says_what_the_registry_says() {
    let read = |file| std::fs::read_to_string(root().join("obs-runtime/src").join(file)).unwrap();
    let source = read("semconv.rs") + "pub mod metric {\n" + &read("semconv/metric.rs");
    let path = root().join("docs/what-leaves-the-process.md");
    let made = page(&source);
    if std::env::var_os("OBS_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let first = made
        .lines()
        .zip(there.lines())
        .find(|(made, there)| made != there);
    assert!(
        made == there,
        "docs/what-leaves-the-process.md is not what the registry says (first difference: {first:?}): \
         run `OBS_BLESS=1 cargo test -p obs-tests --test runtime what_leaves`"
    );
    // The registry was read whole.
    for key in obs_runtime::semconv::attribute::ALL {
        assert!(made.contains(&format!("| `{key}` |")), "{key}");
    }
    for metric in obs_runtime::semconv::metric::ALL {
        assert!(
            made.contains(&format!("| `{}` |", metric.name)),
            "{}",
            metric.name
        );
    }
}
