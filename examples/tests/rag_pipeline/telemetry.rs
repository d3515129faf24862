//! Where the telemetry of a run goes: to Prometheus, an OTLP receiver, a webhook.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{self, Ended, Receiver, rag_pipeline, run};
use crate::{TASKS, texts};

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_whole_trace_and_its_metrics_arrive_over_otlp() {
    let dir = texts();
    let receiver = Receiver::start("200 OK", "");
    let mut program = rag_pipeline(&dir);
    program.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    program.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let report = run(program.arg("--json")).json();
    assert_eq!(report["dropped"], 0);
    let trace: Vec<u8> = (0..16)
        .map(|i| {
            u8::from_str_radix(&report["trace_id"].as_str().unwrap()[2 * i..][..2], 16).unwrap()
        })
        .collect();
    let requests = receiver.requests();
    let sent = |path: &str, part: &[u8]| {
        let mut bodies = requests.iter().filter(|r| r.path == path);
        bodies.any(|r| contains(&r.body, part))
    };
    assert!(sent("/v1/traces", &trace));
    for name in TASKS
        .into_iter()
        .chain(["pipeline rag", "chat gpt-4o-mini", "search chunks"])
    {
        assert!(sent("/v1/traces", name.as_bytes()), "{name}");
    }
    for name in ["obs.pipeline.runs", "function.calls", "gen_ai.client"] {
        assert!(sent("/v1/metrics", name.as_bytes()), "{name}");
    }
}

#[test]
fn a_receiver_that_is_not_there_does_not_disturb_the_run() {
    let dir = texts();
    let mut program = rag_pipeline(&dir);
    program.env("OTEL_EXPORTER_OTLP_ENDPOINT", program::nobody());
    let ended = run(program.args(["--json", "--question", "When was the lighthouse lit?"]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report = ended.json();
    assert_eq!(report["state"], "succeeded");
    assert!(report["answer"].as_str().unwrap().contains("1874"));
}

#[test]
fn a_failed_run_is_logged_and_sent_to_the_webhook() {
    let dir = texts();
    let receiver = Receiver::start("200 OK", "");
    let mut program = rag_pipeline(&dir);
    program.env("OBS_ALERT_WEBHOOK", format!("{}/alerts", receiver.url()));
    let ended = run(program.args(["--json", "--fail", "retrieve"]));
    assert_eq!(ended.status, 1);
    assert!(
        ended.stderr.contains("The pipeline rag failed"),
        "{}",
        ended.stderr
    );
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/alerts");
    let alert: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(
        (&alert["severity"], &alert["title"]),
        (&"critical".into(), &"The pipeline rag failed".into())
    );
    assert_eq!(alert["trace_id"], ended.json()["trace_id"]);
    assert_eq!(
        alert["details"]["retrieve"],
        "--fail retrieve asked for it (2 attempts)"
    );
}

#[test]
fn a_run_that_succeeds_alerts_nobody() {
    let dir = texts();
    let receiver = Receiver::start("200 OK", "");
    let mut program = rag_pipeline(&dir);
    let ended = run(program.env("OBS_ALERT_WEBHOOK", receiver.url()));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(receiver.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn metrics_are_served_until_ctrl_c() {
    let dir = texts();
    let mut program = rag_pipeline(&dir);
    program
        .env("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
        .args(["--json", "--serve"]);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let address = line
        .trim()
        .strip_prefix("serving http://")
        .and_then(|rest| rest.strip_suffix("/metrics until Ctrl-C"));
    let address = address
        .unwrap_or_else(|| panic!("no address in {line}"))
        .to_owned();
    // The report is printed when the run is over.
    let mut report = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut report)
        .unwrap();
    assert!(report.starts_with("{\"pipeline\":\"rag\""), "{report}");
    let mut connection = TcpStream::connect(&address).unwrap();
    write!(
        connection,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for metric in [
        "obs_pipeline_runs_total{",
        "function_calls_total{",
        "pipeline=\"rag\"",
    ] {
        assert!(page.contains(metric), "{metric} is missing:\n{page}");
    }
    program::interrupt(&child);
    assert_eq!(Ended::from(child.wait_with_output().unwrap()).status, 0);
}
