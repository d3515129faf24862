//! The rules that give metrics of model calls their former names, judged by Prometheus.

use std::fmt::Write as _;

use obs_runtime::exporter::prometheus;
use obs_runtime::llm::{LlmCall, Usage, record_llm_call, recording_rules};
use obs_runtime::testing::capture;
use obs_tests::programs;
use std::time::Duration;

/// The lines of model calls on a page that was scraped after three calls.
fn scraped() -> Vec<String> {
    let captured = capture(|| {
        for (operation, model, tokens) in [
            ("chat", "gpt-4o-mini", Usage::new(1_000, 100)),
            ("chat", "gpt-4o-mini", Usage::new(500, 50)),
            ("embeddings", "text-embedding-3-small", Usage::input(8)),
        ] {
            let call = LlmCall::new("openai", operation, model).usage(tokens);
            let call = call.duration(Duration::from_millis(840));
            record_llm_call(call.time_to_first_chunk(Duration::from_millis(250)));
        }
    });
    let page = prometheus::encode(&captured.metrics, &[]).text;
    let lines = page.lines().filter(|line| line.starts_with("gen_ai_"));
    lines.map(str::to_owned).collect()
}

#[test]
fn rules_give_dashboards_of_other_libraries_their_names() {
    let folder = std::env::temp_dir().join(format!("obs-former-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rules = folder.join("rules.yml");
    std::fs::write(&rules, recording_rules()).expect("written");
    let mut test =
        "rule_files: [rules.yml]\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    input_series:\n".to_owned();
    for line in scraped() {
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        let _ = writeln!(
            test,
            "      - {{series: '{series}', values: '{value} {value} {value}'}}"
        );
    }
    test.push_str("    promql_expr_test:\n");
    let duration = "gen_ai_client_operation_duration_seconds";
    for (query, labels, value) in [
        // All calls, as before the operations had metrics of their own.
        (format!("sum({duration}_count)"), "", 3.0),
        (
            format!("sum by (gen_ai_request_model) ({duration}_count{{gen_ai_operation_name=\"chat\"}})"),
            r#"gen_ai_request_model="gpt-4o-mini""#,
            2.0,
        ),
        (
            format!("histogram_quantile(0.5, sum by (le) ({duration}_bucket))"),
            "",
            // In the middle of the bucket from 0.64 to 1.28.
            0.96,
        ),
        (
            "sum by (gen_ai_token_type) (gen_ai_client_token_usage_sum{gen_ai_token_type=\"input\"})".to_owned(),
            r#"gen_ai_token_type="input""#,
            1_508.0,
        ),
        (
            "sum(gen_ai_client_token_usage_sum{gen_ai_token_type=\"output\"})".to_owned(),
            "",
            150.0,
        ),
        ("sum(gen_ai_client_token_usage_count)".to_owned(), "", 5.0),
        (
            "sum(gen_ai_client_operation_time_to_first_chunk_seconds_sum)".to_owned(),
            "",
            0.5,
        ),
    ] {
        let _ = writeln!(
            test,
            "      - {{expr: '{query}', eval_time: 30s, exp_samples: [{{labels: '{{{labels}}}', value: {value}}}]}}"
        );
    }
    let file = folder.join("test.yml");
    std::fs::write(&file, &test).expect("written");
    let name = "rules_give_dashboards_of_other_libraries_their_names";
    let judged = [
        programs::promtool_check_rules(name, &rules),
        programs::promtool_test_rules(name, &file),
    ];
    let _ = std::fs::remove_dir_all(&folder);
    for output in judged.into_iter().flatten() {
        let said = [&*output.stdout, &*output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{said}\n{test}");
    }
}
