//! What the program prints when it is done.

mod json;

use std::fmt::Write as _;
use std::process::ExitCode;

use obs_runtime::llm::{Cost, LlmTotals, Usage};
use obs_runtime::pipeline::{RunResult, RunState};
use obs_runtime::semconv::attribute;
use obs_runtime::{AttributeValue, exporter::console::trace_tree, trace::SpanRecord};

use crate::evaluation;
use crate::index::Hit;
use crate::interrupt;
use crate::runs::Memory;
use crate::voice::{err, out};

/// What came of a question.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer, with its sources as numbers in brackets.
    pub text: String,
    /// The files that it cites, in the order of their first mention.
    pub sources: Vec<String>,
    /// Share of its sentences that the sources support.
    pub score: f64,
}

impl Answered {
    /// Resolves the citations and evaluates the answer.
    pub fn new(text: &str, hits: &[Hit]) -> Self {
        let cited = evaluation::citations(text);
        let mut sources = Vec::new();
        for hit in cited
            .iter()
            .filter_map(|number| hits.get(number.checked_sub(1)?))
        {
            if !sources.contains(&hit.chunk.source) {
                sources.push(hit.chunk.source.clone());
            }
        }
        let score = evaluation::faithfulness(text, hits.iter().map(|hit| hit.chunk.text.as_str()));
        Self {
            text: text.to_owned(),
            sources,
            score,
        }
    }
}

/// Everything there is to say about a run.
#[derive(Debug)]
pub struct Report<'a> {
    pub run: &'a RunResult,
    pub llm: LlmTotals,
    pub spans: Vec<SpanRecord>,
    /// Items that obs lost on their way.
    pub dropped: u64,
    /// Of interest after more than one run.
    pub memory: Memory,
    /// Where the metrics are served, with `--serve`.
    pub metrics: Option<String>,
    /// Whether the prices are those of models that did not run.
    pub builtin: bool,
}

impl Report<'_> {
    /// Prints the report on standard output, and in any case why tasks failed on standard error.
    pub fn print(&self, as_json: bool) {
        if as_json {
            out!("{}", self.json());
        } else {
            out!("{}", self.text().trim_end());
        }
        for task in self.run.get_failed_tasks() {
            let why = task
                .error
                .as_ref()
                .map_or("no reason was given", |error| error.message());
            err!("rag_pipeline: {} failed: {why}", task.name);
        }
    }

    /// 0, 1 for a failed run, and what a shell reports after Ctrl-C.
    pub fn exit_code(&self) -> ExitCode {
        match self.run.state {
            RunState::Succeeded => ExitCode::SUCCESS,
            RunState::Cancelled => ExitCode::from(interrupt::STATUS),
            _ => ExitCode::FAILURE,
        }
    }

    fn answered(&self) -> Option<&Answered> {
        self.run.output("evaluate")
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        section(&mut out, "Tasks", &self.run.summary());
        if self.memory.runs > 1 {
            section(&mut out, "Repetition", &self.memory.text(self.dropped));
        }
        section(&mut out, "Tokens and cost", &self.cost_table());
        section(&mut out, "Trace", &trace_tree(&self.spans));
        if let Some(answered) = self.answered() {
            let mut text = wrap(&answered.text, 96);
            let _ = write!(text, "\nSources: {}", or_none(&answered.sources.join(", ")));
            let _ = writeln!(text, "\nFaithfulness: {:.2}", answered.score);
            section(&mut out, "Answer", &text);
        }
        section(&mut out, "Where to look next", &self.next());
        out
    }

    fn cost_table(&self) -> String {
        let head = [
            "model",
            "calls",
            "attempts",
            "input tokens",
            "output tokens",
            "USD",
        ];
        let row = |name: String, counts: (u64, u64), usage: Usage, cost: Cost| {
            let count = |known: Option<u64>| known.map_or_else(|| "unknown".to_owned(), thousands);
            [
                name,
                counts.0.to_string(),
                counts.1.to_string(),
                count(usage.input_tokens()),
                count(usage.output_tokens()),
                usd(cost),
            ]
        };
        let all = &self.llm;
        let models = all.by_model.iter();
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(models.map(|m| {
            let counts = (m.calls, m.attempts);
            row(self.served(&m.model), counts, m.usage, m.cost)
        }));
        let counts = (all.calls, all.attempts);
        rows.push(row("total".to_owned(), counts, all.usage, all.cost));
        let mut table = columns(&rows);
        if self.builtin {
            table.push_str(
                "These are the prices of the models by that name; the built-in provider is free.\n",
            );
        }
        if all.attempts > all.calls {
            table.push_str(
                "An attempt that was refused is free; any other one may have been billed.\n",
            );
        }
        if !all.cost.is_exact() {
            let _ = writeln!(table, "What is not known exactly: {}.", all.cost);
        }
        table
    }

    /// A model, and the exact ones that served its calls, as their spans have them.
    fn served(&self, model: &str) -> String {
        let text = |span: &SpanRecord, key| match span.attribute(key) {
            Some(AttributeValue::String(text)) => text.to_string(),
            _ => String::new(),
        };
        let calls = self.spans.iter();
        let calls = calls.filter(|span| text(span, attribute::GEN_AI_REQUEST_MODEL) == model);
        let mut served: Vec<_> = calls
            .map(|span| text(span, attribute::GEN_AI_RESPONSE_MODEL))
            .filter(|served| !served.is_empty() && served != model)
            .collect();
        served.sort_unstable();
        served.dedup();
        if served.is_empty() {
            return model.to_owned();
        }
        format!("{model} → {}", served.join(", "))
    }

    /// What else there is to see, each with how.
    fn next(&self) -> String {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let receiver = set("OTEL_EXPORTER_OTLP_ENDPOINT");
        let mut rows = Vec::new();
        if let (Some(receiver), Some(id)) = (&receiver, self.run.trace_id) {
            let what = format!("has this trace and its metrics; look for {id}");
            rows.push((receiver.as_str(), what));
        } else {
            rows.push((
                "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318",
                "sends the trace and the metrics to any OpenTelemetry backend".to_owned(),
            ));
        }
        rows.push(match &self.metrics {
            Some(url) => (url, "has the metrics, until Ctrl-C".to_owned()),
            None => ("--serve", "keeps /metrics up for Prometheus".to_owned()),
        });
        if self.run.succeeded() {
            let what = "shows a failure: a handler, an alert, skipped tasks";
            rows.push(("--fail answer", what.to_owned()));
            if self.builtin && self.llm.attempts == self.llm.calls {
                let what = "shows a provider that refuses: attempts, and what they cost";
                rows.push(("--busy 2", what.to_owned()));
            }
        } else if set("OBS_ALERT_WEBHOOK").is_none() {
            let what = "sends the alert of a failed run there too";
            rows.push(("OBS_ALERT_WEBHOOK=https://…", what.to_owned()));
        }
        rows.push(("--json", "prints all of this for a machine".to_owned()));
        let width = rows.iter().map(|(how, _)| how.chars().count()).max();
        let width = width.unwrap_or(0);
        let line = |(how, what): &(&str, String)| format!("{how:<width$}  {what}\n");
        rows.iter().map(line).collect()
    }

    /// The report for machines: one JSON object on one line.
    pub fn json(&self) -> String {
        let answered = self.answered();
        // Strings, numbers and lists of them cannot fail to become JSON, nor to be read back.
        let report = json::Report {
            pipeline: &self.run.pipeline_name,
            run_id: &self.run.run_id,
            trace_id: self.run.trace_id,
            state: self.run.state,
            duration_seconds: self.run.duration.as_secs_f64(),
            records: self.run.records_count,
            tasks: self.run.task_results.iter().map(json::Task::from).collect(),
            llm: serde_json::from_str(&self.llm.to_json()).unwrap_or_default(),
            answer: answered.map(|a| a.text.as_str()),
            sources: answered.map_or(&[], |a| &a.sources),
            score: answered.map(|a| a.score),
            dropped: self.dropped,
            repeat: Some(&self.memory).filter(|memory| memory.runs > 1),
        };
        serde_json::to_string(&report).unwrap_or_default()
    }
}

fn section(out: &mut String, title: &str, body: &str) {
    let _ = writeln!(out, "\n{title}\n{}", "─".repeat(title.chars().count()));
    out.push_str(body);
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn usd(cost: Cost) -> String {
    let least = format!("{:.6}", cost.at_least);
    match cost.at_most {
        Some(most) if most == cost.at_least => least,
        Some(most) => format!("{least} to {most:.6}"),
        None => format!("{least}+"),
    }
}

/// 1234567 as 1,234,567.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Rows in columns: the first to the left, numbers to the right.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            let _ = if column == 0 {
                write!(out, "{cell:<width$}")
            } else {
                write!(out, "  {cell:>width$}")
            };
        }
        out.push('\n');
    }
    out
}

/// Breaks a text between words.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_are_easy_to_read() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrap("  a very-long-word b ", 4), "a\nvery-long-word\nb");
        let rows = [
            ["a".to_owned(), "1".to_owned()],
            ["bbb".to_owned(), "100".to_owned()],
        ];
        assert_eq!(columns(&rows), "a      1\nbbb  100\n");
    }
}
