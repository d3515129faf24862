//! What the program does when something is wrong.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{self, Ended, Receiver, rag_pipeline, run};
use crate::temp_dir::TempDir;
use crate::{TASKS, states, texts};

#[test]
fn a_task_that_fails_fails_the_run_and_skips_what_comes_after() {
    let dir = texts();
    let ended = run(rag_pipeline(&dir).args(["--json", "--fail", "answer"]));
    assert_eq!(ended.status, 1);
    let report = ended.json();
    assert_eq!(report["state"], "failed");
    let states = states(&report);
    assert_eq!(states[..5], TASKS.map(|name| (name, "succeeded"))[..5]);
    assert_eq!(states[5..], [("answer", "failed"), ("evaluate", "skipped")]);
    assert_eq!(
        (&report["answer"], &report["score"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        ended
            .stderr
            .contains("answer failed: --fail answer asked for it"),
        "{}",
        ended.stderr
    );
}

#[test]
fn every_task_can_be_made_to_fail() {
    let dir = texts();
    for (at, task) in TASKS.iter().enumerate() {
        let ended = run(rag_pipeline(&dir).args(["--json", "--fail", task]));
        assert_eq!(ended.status, 1, "{task}");
        let report = ended.json();
        let expected = |i: usize| match i.cmp(&at) {
            std::cmp::Ordering::Less => "succeeded",
            std::cmp::Ordering::Equal => "failed",
            std::cmp::Ordering::Greater => "skipped",
        };
        let states = states(&report);
        assert!(
            states
                .iter()
                .enumerate()
                .all(|(i, (_, state))| *state == expected(i)),
            "{task}: {states:?}"
        );
    }
}

fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status, 2, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word} is missing: {}",
            ended.stderr
        );
    }
}

#[test]
fn bad_input_is_refused_in_one_sentence_with_status_2() {
    let dir = texts();
    refused(
        &run(rag_pipeline("/no/such/folder").arg("--json")),
        &["/no/such/folder", "does not exist"],
    );
    let file = dir.as_ref().join("lighthouse.md");
    refused(
        &run(&mut rag_pipeline(file)),
        &["lighthouse.md", "is not a folder"],
    );
    let empty = TempDir::new();
    refused(&run(&mut rag_pipeline(&empty)), &["holds no files"]);
    refused(
        &run(rag_pipeline(&dir).args(["--fail", "nothing"])),
        &["nothing", "load_documents"],
    );
    refused(
        &run(rag_pipeline(&dir).args(["--repeat", "0"])),
        &["--repeat"],
    );
    refused(
        &run(rag_pipeline(&dir).args(["--question", " "])),
        &["--question", "expected a question"],
    );
    refused(
        &run(rag_pipeline(&dir).env("OBS_ALERT_WEBHOOK", "nowhere")),
        &["OBS_ALERT_WEBHOOK", "no scheme"],
    );
    let mut serving = rag_pipeline(&dir);
    serving.arg("--serve");
    serving.env("OTEL_EXPORTER_PROMETHEUS_PORT", "many");
    refused(
        &run(&mut serving),
        &["OTEL_EXPORTER_PROMETHEUS_PORT", "many"],
    );
    refused(
        &run(rag_pipeline(&dir).env("OPENAI_BASE_URL", "ftp://x")),
        &["OPENAI_BASE_URL", "ftp://x"],
    );
}

#[test]
fn files_that_are_no_text_are_skipped_counted_and_listed() {
    let dir = texts();
    dir.write("latin1.txt", b"caf\xe9");
    dir.write("picture.bin", b"\x89PNG\0");
    let ended = run(rag_pipeline(&dir).args(["--question", "When was the lighthouse lit?"]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("2 documents read, 2 skipped"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .contains("skipped latin1.txt: not UTF-8 (byte 3)"),
        "{}",
        ended.stdout
    );
    // Where standard output belongs to the JSON, they are listed on standard error.
    let ended = run(rag_pipeline(&dir).arg("--json"));
    assert_eq!(ended.json()["tasks"][0]["records"], 2);
    assert!(
        ended.stderr.contains("skipped picture.bin: not UTF-8"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_folder_without_a_single_text_fails_the_run() {
    let dir = TempDir::new();
    dir.write("latin1.txt", b"caf\xe9");
    let ended = run(&mut rag_pipeline(&dir));
    assert_eq!(ended.status, 1);
    assert!(
        ended.stderr.contains("none of the 1 files"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_wrong_key_fails_the_run_with_one_sentence() {
    let dir = texts();
    let body = r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
    let endpoint = Receiver::start("401 Unauthorized", body);
    let mut program = rag_pipeline(&dir);
    let ended = run(program
        .env("OPENAI_BASE_URL", endpoint.url())
        .env("OPENAI_API_KEY", "sk-wrong"));
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .stderr
            .contains("refused the key (401: Incorrect API key provided)"),
        "{}",
        ended.stderr
    );
    assert!(
        !format!("{}{}", ended.stdout, ended.stderr).contains("sk-wrong"),
        "the key is nobody's business"
    );
}

#[test]
fn an_endpoint_that_is_not_there_fails_the_run_with_one_sentence() {
    let dir = texts();
    let mut program = rag_pipeline(&dir);
    let ended = run(program
        .env("OPENAI_BASE_URL", program::nobody())
        .arg("--json"));
    assert_eq!(ended.status, 1);
    assert_eq!(states(&ended.json())[2], ("embed_chunks", "failed"));
    assert!(
        ended.stderr.contains("could not reach the endpoint"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_endpoint_that_speaks_something_else_fails_the_run_with_one_sentence() {
    let dir = texts();
    let endpoint = Receiver::start("200 OK", "<html>Welcome</html>");
    let ended = run(rag_pipeline(&dir).env("OPENAI_BASE_URL", endpoint.url()));
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .stderr
            .contains("did not answer as the OpenAI API does"),
        "{}",
        ended.stderr
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_a_run_reports_it_as_cancelled() {
    let dir = texts();
    // An endpoint that accepts a request and never answers holds the run.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    let mut program = rag_pipeline(&dir);
    program.env("OPENAI_BASE_URL", endpoint).arg("--json");
    let child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut request, _): (TcpStream, _) = listener.accept().unwrap();
    // Its first byte is there: the task is waiting for an answer.
    request.read_exact(&mut [0]).unwrap();
    program::interrupt(&child);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.status, 130, "{}", ended.stderr);
    let report = ended.json();
    assert_eq!(report["state"], "cancelled");
    assert_eq!(
        states(&report)[..3],
        [
            ("load_documents", "succeeded"),
            ("chunk_documents", "succeeded"),
            ("embed_chunks", "cancelled")
        ]
    );
    assert!(
        states(&report)[3..]
            .iter()
            .all(|(_, state)| matches!(*state, "cancelled" | "skipped"))
    );
}

#[test]
fn a_port_that_is_taken_is_said_in_one_sentence() {
    let dir = texts();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut program = rag_pipeline(&dir);
    program
        .arg("--serve")
        .env("OTEL_EXPORTER_PROMETHEUS_PORT", &port);
    refused(&run(&mut program), &[&port]);
}

#[test]
fn a_reader_who_goes_away_is_no_reason_to_panic() {
    let dir = texts();
    let mut program = rag_pipeline(&dir);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}
