//! `src/bin/otlp_program.rs`: running it, and what a receiver must have of it, however it travelled.

use std::process::Command;

use obs_tests::otlp_oracle::Dump;
use obs_tests::programs;
use serde_json::{Value, json};

/// As in `src/bin/otlp_program.rs`.
const MANY: usize = 20_000;

/// Runs the program and returns the lines that it logs. Libraries of obs' own threads have much to say at this
/// level, which is no business of the program.
pub(crate) fn run(args: &[&str], environment: &[(&str, &str)]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otlp_program"));
    command
        .args(args)
        .envs(environment.iter().copied())
        .env("OBS_LOG", "debug")
        .env("OBS_LOG_FORMAT", "json");
    let output = programs::run(command, b"").expect("the program was built with this test");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).expect("lines are UTF-8");
    let lines = text.lines().filter(|l| l.starts_with('{'));
    lines
        .map(|l| serde_json::from_str(l).expect("a line of JSON"))
        .collect()
}

/// The span whose child this is.
fn parent_of<'a>(dump: &'a Dump, span: &Value) -> &'a Value {
    dump.spans()
        .iter()
        .find(|s| s["span_id"] == span["parent_span_id"])
        .unwrap_or_else(|| panic!("no parent of {span}"))
}

/// Everything that does not depend on how the spans travelled.
pub(crate) fn check_spans(dump: &Dump) {
    let problems = dump.problems();
    let first = &problems[..problems.len().min(5)];
    assert!(first.is_empty(), "{} problems: {first:?}", problems.len());
    assert_eq!(dump.spans().len(), 7 + MANY);

    let root = dump.only("handle_order");
    assert_eq!(root["parent_span_id"], "");
    assert_eq!(root["kind"], "internal");
    assert!(
        dump.spans()
            .iter()
            .all(|s| s["trace_id"] == root["trace_id"])
    );
    for child in ["check_stock", "GET /price", "bill", "ship", "audit"] {
        assert_eq!(
            parent_of(dump, dump.only(child))["name"],
            "handle_order",
            "{child}"
        );
    }
    assert_eq!(
        parent_of(dump, dump.only("parse_price"))["name"],
        "GET /price"
    );

    let mut leaves: Vec<u64> = dump
        .named("leaf")
        .iter()
        .map(|s| s["attributes"]["n"].as_u64().unwrap_or(u64::MAX))
        .collect();
    leaves.sort_unstable();
    assert!(leaves.into_iter().eq(0..MANY as u64), "each leaf once");

    let stock = dump.only("check_stock");
    assert_eq!(
        stock["status"],
        json!({"code": "error", "message": "item is out of stock"})
    );
    assert_eq!(stock["attributes"]["item"], 7);
    assert!(
        stock["attributes"]["error.type"]
            .as_str()
            .is_some_and(|t| t.contains("OutOfStock"))
    );

    let price = dump.only("GET /price");
    assert_eq!(price["kind"], "client");
    assert_ne!(price["status"]["code"], "error");
    let attributes = &price["attributes"];
    assert_eq!(attributes["currency"], "EUR");
    assert_eq!(attributes["cached"], false);
    assert_eq!(attributes["ratio"], 0.5);
    assert_eq!(
        attributes["text"],
        "a text that is longer than any inline buffer"
    );

    let parse = dump.only("parse_price");
    assert_eq!(parse["events"][0]["name"], "parsed");
    assert_eq!(parse["attributes"]["price.cents"], 950);

    let link = &dump.only("bill")["links"][0];
    assert_eq!(link["trace_id"], root["trace_id"]);

    let ship = dump.only("ship");
    assert_eq!(ship["status"]["code"], "error");
    assert_eq!(ship["parent_span_id"], root["span_id"]);
}

pub(crate) fn check_metrics(dump: &Dump) {
    let orders = dump.last_metric("orders");
    assert_eq!(orders["monotonic"], true);
    assert_eq!(orders["points"][0]["attributes"], json!({"shop": "Oslo"}));
    assert_eq!(orders["points"][0]["value"], 3);

    let leaf = |metric: &str| {
        dump.last_metric(metric)["points"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|p| p["attributes"]["function"] == "leaf")
            .cloned()
            .collect::<Vec<_>>()
    };
    for call in leaf("function.calls") {
        let is_ok = call["attributes"]["result"] == "ok";
        assert_eq!(call["value"], if is_ok { MANY } else { 0 }, "{call}");
    }
    assert_eq!(leaf("function.calls").len(), 3);
    assert_eq!(leaf("function.calls.duration")[0]["count"], MANY);
    assert_eq!(dump.last_metric("function.calls.duration")["unit"], "s");

    // A bucket's example is one of the calls that arrived as spans.
    let examples = leaf("function.calls.duration")[0]["exemplars"].clone();
    let examples = examples.as_array().expect("exemplars");
    assert!(!examples.is_empty());
    for example in examples {
        let is_it = |span: &&Value| {
            span["name"] == "leaf"
                && span["trace_id"] == example["trace_id"]
                && span["span_id"] == example["span_id"]
        };
        assert!(dump.spans().iter().any(|s| is_it(&s)), "{example}");
    }

    // obs' own account agrees with what arrived.
    let recorded = &dump.last_metric("obs.spans.recorded")["points"][0]["value"];
    assert_eq!(*recorded, dump.spans().len());
    let items = dump.last_metric("obs.exporter.items");
    let of = |outcome: &str| {
        let wanted = json!({"exporter": "otlp", "outcome": outcome, "signal": "traces"});
        let points = items["points"].as_array().expect("points").iter();
        let mut found = points.filter(|p| p["attributes"] == wanted);
        found.next().expect("a series")["value"].clone()
    };
    assert_eq!(of("dropped"), 0);
}

/// The event of `tracing`, as a record and as a line, and the errors of spans, as log records in the trace.
pub(crate) fn check_logs(dump: &Dump, lines: &[Value]) {
    let audit = dump.only("audit");
    let said = |l: &&Value| {
        l["scope"] == "otlp_program" && l["severity"] == 13 && l["body"] != Value::Null
    };
    let record = dump.logs().iter().find(said).expect("the event");
    assert_eq!(record["body"], "audited, password=***");
    assert_eq!(record["attributes"]["attempt"], 2);
    assert_eq!(record["attributes"]["api_key"], "***");
    assert_eq!(record["trace_id"], audit["trace_id"]);
    assert_eq!(record["span_id"], audit["span_id"]);
    assert_eq!(audit["attributes"]["user"], "ada");
    let line = lines.iter().find(|l| l["target"] == "otlp_program");
    let line = line.expect("the line");
    assert_eq!(line["message"], record["body"]);
    assert_eq!(line["trace_id"], audit["trace_id"]);
    assert_eq!(
        line["spans"],
        json!([{"name": "audit", "fields": {"user": "ada"}}])
    );
    for record in dump.logs() {
        let scope = record["scope"].as_str().unwrap_or_default();
        assert!(scope.starts_with("otlp_program"), "{record}");
    }

    let of = |span: &str| {
        let span = dump.only(span);
        let mut found = dump
            .logs()
            .iter()
            .filter(|l| l["span_id"] == span["span_id"] && l["trace_id"] == span["trace_id"]);
        let record = found.next().expect("a record");
        assert!(found.next().is_none());
        record
    };
    let stock = of("check_stock");
    assert_eq!(stock["event_name"], "exception");
    assert_eq!(
        (&stock["severity"], &stock["severity_text"]),
        (&json!(13), &json!("WARN"))
    );
    let attributes = &stock["attributes"];
    assert_eq!(attributes["exception.message"], "item is out of stock");
    assert_eq!(
        attributes["exception.type"],
        dump.only("check_stock")["attributes"]["error.type"]
    );
    assert!(
        stock["scope"]
            .as_str()
            .is_some_and(|s| s.starts_with("otlp_program"))
    );
    assert_eq!(of("ship")["severity"], 17);
}

pub(crate) fn check_resource(dump: &Dump, service: &str) {
    for entry in dump.spans().iter().chain(dump.metrics()).chain(dump.logs()) {
        assert_eq!(entry["resource"]["service.name"], service);
        assert_eq!(entry["resource"]["telemetry.sdk.language"], "rust");
    }
}
