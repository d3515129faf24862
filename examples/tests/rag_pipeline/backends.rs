//! What the program sends and serves, judged by programs that share no code with obs.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};

use obs_tests::conventions::Conventions;
use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use obs_tests::{http, programs};
use serde_json::Value;

use crate::program::{Ended, interrupt, rag_pipeline, run};
use crate::{TASKS, texts};

/// The program's report, and what the receiver got of it.
fn sent(oracle: &OtlpOracle, endpoint: &str, protocol: &str, arguments: &[&str]) -> (Ended, Dump) {
    let dir = texts();
    let ended = run(rag_pipeline(&dir)
        .args(arguments)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value]);
    let found = Conventions::new().walk(&dump);
    assert_eq!(found.problems, [""; 0]);
    for name in ["gen_ai.client.embeddings.duration", "server.port"] {
        assert!(found.seen.contains(name), "{name} in {:?}", found.seen);
    }
    assert!(
        dump.requests()
            .iter()
            .all(|r| protocol.starts_with(r["transport"].as_str().unwrap_or("?")))
    );
    (ended, dump)
}

/// The only span of that id.
fn by_id<'a>(dump: &'a Dump, id: &Value) -> &'a Value {
    let mut found = dump.spans().iter().filter(|s| s["span_id"] == *id);
    let span = found.next().unwrap_or_else(|| panic!("no span {id}"));
    assert!(found.next().is_none(), "span {id} twice");
    span
}

/// The names of the spans above, the nearest first.
fn ancestors<'a>(dump: &'a Dump, span: &Value) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut parent = span["parent_span_id"].clone();
    while parent != "" {
        let span = by_id(dump, &parent);
        names.push(span["name"].as_str().expect("a name"));
        parent = span["parent_span_id"].clone();
    }
    names
}

/// The sum of a metric's last points whose label has that value.
fn total(dump: &Dump, metric: &str, label: &str, value: &str) -> f64 {
    let points = dump.last_metric(metric)["points"]
        .as_array()
        .expect("points");
    points
        .iter()
        .filter(|p| p["attributes"][label] == value)
        .map(|p| p["value"].as_f64().expect("a number"))
        .sum()
}

fn check(ended: &Ended, dump: &Dump) {
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report = ended.json();

    // One run, one trace, one root.
    assert!(
        dump.spans()
            .iter()
            .all(|s| s["trace_id"] == report["trace_id"])
    );
    let roots: Vec<_> = dump
        .spans()
        .iter()
        .filter(|s| s["parent_span_id"] == "")
        .collect();
    assert_eq!(roots.len(), 1);
    let root = roots[0]["name"].as_str().expect("a name");

    for task in TASKS {
        let spans: Vec<_> = dump
            .spans()
            .iter()
            .filter(|s| {
                s["name"]
                    .as_str()
                    .is_some_and(|n| n == task || n.ends_with(&format!(" {task}")))
            })
            .collect();
        assert!(!spans.is_empty(), "no span of task {task}");
        for span in spans {
            assert_eq!(ancestors(dump, span).last(), Some(&root), "{task}");
        }
    }

    // The calls of the report, each inside the task that made it.
    let calls: Vec<_> = dump
        .spans()
        .iter()
        .filter(|s| s["attributes"]["gen_ai.operation.name"].is_string())
        .collect();
    assert_eq!(Value::from(calls.len()), report["llm"]["calls"]);
    for call in &calls {
        assert_eq!(call["kind"], "client");
        let above = ancestors(dump, call);
        assert!(
            above
                .iter()
                .any(|name| TASKS.iter().any(|task| name.ends_with(task))),
            "{above:?}"
        );
        assert!(
            call["attributes"]["gen_ai.usage.input_tokens"]
                .as_u64()
                .is_some_and(|n| n > 0),
            "{call}"
        );
    }

    // What the metrics say is what the report says.
    let calls: f64 = TASKS
        .iter()
        .map(|task| total(dump, "function.calls", "function", task))
        .sum();
    assert!(calls >= 7.0, "{calls}");
    for model in report["llm"]["by_model"]
        .as_object()
        .expect("models")
        .keys()
    {
        let cost = total(dump, "obs.llm.cost", "gen_ai.request.model", model);
        let reported = report["llm"]["by_model"][model]["cost_usd"]
            .as_f64()
            .expect("a price");
        assert!(
            (cost - reported).abs() < 1e-9,
            "{model}: {cost} and {reported}"
        );
    }
    for (state, runs) in [("succeeded", 1.0), ("failed", 0.0), ("cancelled", 0.0)] {
        let counted = total(dump, "obs.pipeline.runs", "state", state);
        assert!((counted - runs).abs() < 1e-9, "{state}: {counted}");
    }
    for entry in dump.spans().iter().chain(dump.metrics()) {
        assert_eq!(entry["resource"]["service.name"], "rag_pipeline");
    }
}

#[test]
fn a_run_arrives_over_http() {
    let Some(oracle) = OtlpOracle::start("a_run_arrives_over_http") else {
        return;
    };
    let (ended, dump) = sent(&oracle, &oracle.http_url(), "http/protobuf", &["--json"]);
    check(&ended, &dump);
}

#[test]
fn a_run_arrives_over_grpc() {
    let Some(oracle) = OtlpOracle::start("a_run_arrives_over_grpc") else {
        return;
    };
    let (ended, dump) = sent(&oracle, &oracle.grpc_url(), "grpc", &["--json"]);
    check(&ended, &dump);
}

#[test]
fn a_failed_run_arrives_with_its_error() {
    let Some(oracle) = OtlpOracle::start("a_failed_run_arrives_with_its_error") else {
        return;
    };
    let arguments = ["--json", "--fail", "retrieve"];
    let (ended, dump) = sent(&oracle, &oracle.http_url(), "http/protobuf", &arguments);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    let failed: Vec<_> = dump
        .spans()
        .iter()
        .filter(|s| s["status"]["code"] == "error")
        .collect();
    assert!(
        failed
            .iter()
            .any(|s| s["name"].as_str().is_some_and(|n| n.ends_with("retrieve"))),
        "{failed:?}"
    );
    assert!(
        failed.iter().any(|s| s["parent_span_id"] == ""),
        "the run itself failed"
    );
}

/// The program with `--json --serve`, once its run is over; ended when dropped.
struct Serving {
    child: Child,
    port: u16,
    report: Value,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .args(["--json", "--serve"])
            .env("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let address = line(child.stderr.take().expect("piped above"));
        let port = address
            .strip_prefix("serving http://127.0.0.1:")
            .and_then(|rest| rest.split_once("/metrics")?.0.parse().ok())
            .unwrap_or_else(|| panic!("no port in {address:?}"));
        let report = line(child.stdout.take().expect("piped above"));
        let report = serde_json::from_str(&report).unwrap_or_else(|e| panic!("{e}: {report:?}"));
        Self {
            child,
            port,
            report,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line that a program prints.
fn line(from: impl Read) -> String {
    let mut line = String::new();
    BufReader::new(from).read_line(&mut line).expect("UTF-8");
    line
}

/// The sum of the samples of a metric whose labels contain all of `labels`.
fn sum(text: &str, metric: &str, labels: &[&str]) -> f64 {
    text.lines()
        .filter_map(|l| l.strip_prefix(metric)?.strip_prefix('{')?.rsplit_once("} "))
        .filter(|(found, _)| labels.iter().all(|label| found.contains(label)))
        .map(|(_, value)| value.parse::<f64>().expect("a number"))
        .sum()
}

#[test]
fn metrics_pass_promtool_and_say_what_the_report_says() {
    let dir = texts();
    let serving = Serving::start(rag_pipeline(&dir).args(["--repeat", "3"]));
    let answer = http::get(serving.port, "/metrics", "").expect("the program serves");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = answer.body;
    for task in TASKS {
        let label = format!("function=\"{task}\"");
        assert!(
            sum(&text, "function_calls_total", &[&label]) >= 3.0,
            "{task}: {text}"
        );
    }
    assert_eq!(serving.report["repeat"]["runs"], 3);
    if let Some(output) = programs::promtool_check_metrics(
        "metrics_pass_promtool_and_say_what_the_report_says",
        &text,
    ) {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[cfg(unix)]
#[test]
fn serving_ends_with_ctrl_c() {
    let dir = texts();
    let mut serving = Serving::start(&mut rag_pipeline(&dir));
    interrupt(&serving.child);
    let status = serving.child.wait().expect("the program was started here");
    assert_eq!(status.code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_number_of_runs() {
    const MIB: u64 = 1 << 20;
    let dir = texts();
    let report = run(rag_pipeline(&dir).args(["--json", "--repeat", "1000"])).json();
    let bytes = |key: &str| {
        report["repeat"][key]
            .as_u64()
            .unwrap_or_else(|| panic!("{report}"))
    };
    let (early, late) = (
        bytes("resident_bytes_after_run_100"),
        bytes("resident_bytes_at_end"),
    );
    assert!(
        late < early + 8 * MIB,
        "{early} bytes after 100 runs, {late} after 1000"
    );
    assert_eq!(report["dropped"], 0);
}
