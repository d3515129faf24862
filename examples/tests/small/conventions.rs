//! All that the small examples send, against what the conventions for generative AI say of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use obs_tests::conventions::{Conventions, Findings, second_opinion};
use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use serde_json::Value;

use crate::example;

/// Each example, and names of the conventions that it must send; one without any sends none at all.
const EXAMPLES: [(&str, &[&str]); 10] = [
    (
        "agents",
        &[
            "gen_ai.agent.name",
            "gen_ai.execute_tool.duration",
            "gen_ai.execute_tool.exception",
            "gen_ai.invoke_agent.inference_calls",
            "gen_ai.tool.description",
        ],
    ),
    ("alerts", &[]),
    ("axum", &[]),
    (
        "llm",
        &[
            "gen_ai.client.inference.duration",
            "gen_ai.client.inference.exception",
            "gen_ai.client.inference.usage.output_tokens",
            "gen_ai.usage.input_tokens",
        ],
    ),
    ("metrics", &[]),
    ("pipeline", &[]),
    ("progress", &[]),
    ("steps", &[]),
    (
        "stream",
        &[
            "gen_ai.client.inference.time_to_first_chunk",
            "gen_ai.response.finish_reasons",
            "gen_ai.response.time_to_first_chunk",
        ],
    ),
    ("traced", &[]),
];

/// The namespaces of the conventions for models and databases.
fn is_theirs(name: &str) -> bool {
    let namespaces = ["gen_ai.", "openai.", "db."];
    namespaces.iter().any(|space| name.starts_with(space))
}

/// What an example sends, to a receiver of its own.
fn sent(name: &str) -> Option<Dump> {
    let oracle = OtlpOracle::start(name)?;
    let output = example(name)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", oracle.http_url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value], "{name}");
    assert!(!dump.metrics().is_empty(), "{name} sent nothing: {said}");
    Some(dump)
}

#[test]
fn every_example_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).unwrap();
    let there: BTreeSet<String> = files
        .map(|file| file.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let listed = EXAMPLES.map(|(name, _)| name.to_owned());
    assert_eq!(there, BTreeSet::from(listed));
}

#[test]
fn what_the_examples_send_is_as_the_conventions_have_it() {
    for (name, expected) in EXAMPLES {
        let Some(dump) = sent(name) else { return };
        let Findings { problems, seen } = Conventions::new().walk(&dump);
        assert_eq!(problems, [""; 0], "{name}");
        let theirs: Vec<_> = seen.iter().filter(|name| is_theirs(name)).collect();
        assert_eq!(theirs.is_empty(), expected.is_empty(), "{name}: {theirs:?}");
        for wanted in expected {
            assert!(seen.contains(*wanted), "{name}: {wanted} in {theirs:?}");
        }
        if !expected.is_empty() {
            second_opinion(&dump);
            each_name_is_looked_at(name, &dump, &theirs);
        }
    }
}

/// A walk that finds nothing may be one that does not look: a letter more in any name of the conventions is found.
fn each_name_is_looked_at(example: &str, dump: &Dump, names: &[&String]) {
    let whole = dump.0.to_string();
    for name in names {
        let (right, wrong) = (format!("\"{name}\""), format!("\"{name}s\""));
        let changed: Value = serde_json::from_str(&whole.replace(&right, &wrong)).unwrap();
        let found = Conventions::new().walk(&Dump(changed)).problems;
        assert!(!found.is_empty(), "{example}: nobody minds {wrong}");
    }
}
