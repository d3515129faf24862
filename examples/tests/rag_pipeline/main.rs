//! The program `rag_pipeline` from the outside: what it prints, and its exit status.

mod backends;
mod failures;
mod program;
mod telemetry;
mod temp_dir;

use program::{rag_pipeline, run};
use serde_json::Value;
use temp_dir::TempDir;

const TASKS: [&str; 7] = [
    "load_documents",
    "chunk_documents",
    "embed_chunks",
    "index_chunks",
    "retrieve",
    "answer",
    "evaluate",
];

fn texts() -> TempDir {
    let dir = TempDir::new();
    dir.write(
        "lighthouse.md",
        b"# Skarvholm\n\nThe lighthouse of Skarvholm was lit for the first time in 1874. Its keeper was Runa Eide, who \
          stayed for 31 years. The light reaches nineteen nautical miles.\n",
    );
    dir.write(
        "notes/ferry.txt",
        b"The ferry to Skarvholm leaves at eight in the morning. A ticket costs 45 crowns.",
    );
    dir
}

fn states(report: &Value) -> Vec<(&str, &str)> {
    let tasks = report["tasks"].as_array().expect("tasks");
    tasks
        .iter()
        .map(|t| (t["name"].as_str().unwrap(), t["state"].as_str().unwrap()))
        .collect()
}

#[test]
fn json_is_one_object_with_all_that_a_script_needs() {
    let dir = texts();
    let ended = run(rag_pipeline(&dir).args([
        "--json",
        "--question",
        "Who was the keeper of the lighthouse?",
    ]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1);
    let report = ended.json();
    let mut keys: Vec<_> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "answer",
        "dropped",
        "duration_seconds",
        "llm",
        "pipeline",
        "records",
        "run_id",
        "score",
        "sources",
        "state",
        "tasks",
        "trace_id",
    ];
    // A crate of the workspace has serde_json keep the order in which members came.
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (report["pipeline"].as_str(), report["state"].as_str()),
        (Some("rag"), Some("succeeded"))
    );
    let trace = report["trace_id"].as_str().expect("a trace id");
    assert!(
        trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()),
        "{trace}"
    );
    assert!(report["duration_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(report["dropped"], 0);
    assert_eq!(states(&report), TASKS.map(|name| (name, "succeeded")));
    for task in report["tasks"].as_array().unwrap() {
        assert_eq!(task["attempts"], 1);
        assert!(
            task["duration_seconds"].is_f64() && task["records"].is_u64(),
            "{task}"
        );
    }
    assert_eq!(report["tasks"][0]["records"], 2);
}

#[test]
fn the_answer_comes_from_texts_that_the_program_has_never_seen() {
    let dir = texts();
    for (question, answer, source) in [
        (
            "Who was the keeper of the lighthouse?",
            "Runa Eide",
            "lighthouse.md",
        ),
        ("When was the lighthouse lit?", "1874", "lighthouse.md"),
        (
            "How much is a ticket for the ferry?",
            "45 crowns",
            "notes/ferry.txt",
        ),
    ] {
        let report = run(rag_pipeline(&dir).args(["--json", "--question", question])).json();
        let text = report["answer"].as_str().unwrap();
        assert!(text.contains(answer), "{question} {text}");
        assert_eq!(report["sources"][0], source, "{question}");
        assert_eq!(report["score"], 1.0, "{question}");
    }
}

#[test]
fn tokens_and_cost_add_up_over_the_models() {
    let dir = texts();
    let report = run(rag_pipeline(&dir).arg("--json")).json();
    let llm = &report["llm"];
    let models = llm["by_model"].as_object().unwrap();
    assert_eq!(
        models.keys().collect::<Vec<_>>(),
        ["gpt-4o-mini", "text-embedding-3-small"]
    );
    for key in ["calls", "input_tokens", "output_tokens"] {
        // Embeddings have no output: nobody reports any, which is `null`.
        let sum: u64 = models.values().filter_map(|m| m[key].as_u64()).sum();
        assert_eq!(llm[key].as_u64().unwrap(), sum, "{key}");
    }
    // One batch of chunks, the question, the answer.
    assert_eq!(llm["calls"], 3);
    assert!(llm["cost_usd"].as_f64().unwrap() > 0.0);
    assert_eq!(llm["cost_at_most_usd"], llm["cost_usd"]);
    assert_eq!(llm["cost_reasons"], serde_json::json!([]));
    assert_eq!(llm["attempts"], 3);
}

#[test]
fn requests_that_are_refused_are_attempts_that_cost_nothing() {
    let dir = texts();
    let report = run(rag_pipeline(&dir).args(["--json", "--busy", "2"])).json();
    let llm = &report["llm"];
    assert_eq!(
        (&llm["calls"], &llm["failed_calls"], &llm["attempts"]),
        (&3.into(), &0.into(), &5.into())
    );
    assert_eq!(llm["cost_at_most_usd"], llm["cost_usd"]);
    let ended = run(rag_pipeline(&dir).args(["--busy", "2"]));
    for part in [
        "gpt-4o-mini → gpt-4o-mini-2024-07-18",
        "attempts",
        "An attempt that was refused is free",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    // Nobody else can be told to be busy.
    let endpoint = program::nobody();
    let ended = run(rag_pipeline(&dir)
        .args(["--busy", "1"])
        .env("OPENAI_BASE_URL", endpoint));
    assert_eq!(ended.status, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("--busy 1 is for the built-in"));
}

#[test]
fn a_call_of_which_nobody_reports_has_a_cost_that_nothing_bounds() {
    let dir = texts();
    let endpoint = program::Receiver::start("200 OK", "<html>Welcome</html>");
    let ended = run(rag_pipeline(&dir).env("OPENAI_BASE_URL", endpoint.url()));
    for part in ["0.000000+", "no_usage"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn the_report_for_people_has_every_part() {
    let dir = texts();
    let ended = run(rag_pipeline(&dir).args(["--question", "When was the lighthouse lit?"]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for part in [
        "built-in provider",
        "Tasks\n",
        "Tokens and cost\n",
        "gpt-4o-mini → gpt-4o-mini-2024-07-18",
        "Trace\n",
        "└─ ✓",
        "Answer\n",
        "1874",
        "Sources: lighthouse.md",
        "Faithfulness: 1.00",
        "Where to look next\n",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is missing:\n{}",
            ended.stdout
        );
    }
    assert!(
        TASKS
            .iter()
            .all(|task| ended.stdout.matches(task).count() >= 2),
        "{}",
        ended.stdout
    );
    assert!(
        !ended.stdout.contains('\x1b'),
        "no colour where there is no terminal"
    );
}

#[test]
fn many_runs_report_the_last_one_and_lose_nothing() {
    let dir = texts();
    let report = run(rag_pipeline(&dir).args(["--json", "--repeat", "5"])).json();
    assert_eq!(report["repeat"]["runs"], 5);
    assert_eq!(
        (&report["state"], &report["dropped"]),
        (&"succeeded".into(), &0.into())
    );
    assert_eq!(report["llm"]["calls"], 3, "of the last run");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_where_it_is_after_a_hundred_runs() {
    let dir = texts();
    let report = run(rag_pipeline(&dir).args(["--json", "--repeat", "400"])).json();
    let bytes = |key: &str| report["repeat"][key].as_u64().unwrap();
    let (early, late) = (
        bytes("resident_bytes_after_run_100"),
        bytes("resident_bytes_at_end"),
    );
    assert!(
        late <= early + (1 << 20),
        "{early} bytes after run 100, {late} at the end"
    );
    assert_eq!(report["dropped"], 0);
}
