//! A walk over all that leaves, against what the conventions for generative AI say of it (`corpus/genai_conventions.json`).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Map, Value};

use crate::otlp_oracle::Dump;
use crate::programs;

const TABLE: &str = include_str!("../corpus/genai_conventions.json");

/// Namespaces that the table has whole: a name in them that it does not have is wrong.
const WHOLE: [&str; 3] = ["gen_ai.", "openai.", "db."];

/// What the conventions say, as data.
#[derive(Debug)]
pub struct Conventions(Value);

/// What a walk found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is not as the conventions have it.
    pub problems: Vec<String>,
    /// The keys, metrics and events of the conventions that were there.
    pub seen: BTreeSet<String>,
}

/// Attributes, and what the rules of a group need to know of whose they are.
struct Subject<'a> {
    /// For messages.
    what: String,
    attributes: &'a Map<String, Value>,
    failed: bool,
}

impl Conventions {
    /// Reads the table.
    ///
    /// # Panics
    /// When it is no JSON.
    #[expect(clippy::new_without_default, reason = "the table is read, not made up")]
    pub fn new() -> Self {
        Self(serde_json::from_str(TABLE).expect("the table is JSON"))
    }

    /// The release that the table is of.
    pub fn release(&self) -> &str {
        text(&self.0["release"])
    }

    /// Whether the table has the attribute, metric or event.
    pub fn knows(&self, name: &str) -> bool {
        let groups = ["attributes", "metrics", "events"];
        groups
            .iter()
            .any(|group| self.0[*group].get(name).is_some())
    }

    /// Walks over every span, metric and event.
    pub fn walk(&self, dump: &Dump) -> Findings {
        let mut findings = Findings::default();
        for span in dump.spans() {
            self.span(span, &mut findings);
            for part in ["events", "links"] {
                for one in list(&span[part]) {
                    let what = format!("{part} of span {}", span["name"]);
                    self.elsewhere(&what, &one["attributes"], &mut findings);
                }
            }
        }
        for metric in dump.metrics() {
            self.metric(metric, &mut findings);
        }
        for log in dump.logs() {
            self.event(log, dump, &mut findings);
        }
        for sent in [dump.spans(), dump.metrics(), dump.logs()].concat() {
            self.elsewhere("resource", &sent["resource"], &mut findings);
        }
        findings.problems.sort();
        findings.problems.dedup();
        findings
    }

    fn span(&self, span: &Value, findings: &mut Findings) {
        let name = text(&span["name"]);
        let attributes = object(&span["attributes"]);
        let has = |key: &str| attributes.get(key).map(text);
        let operation = has("gen_ai.operation.name");
        let group = list(&self.0["spans"]).iter().find(|group| match operation {
            Some(operation) => holds(&group["operations"], operation),
            None => group["system"].is_string() && has(text(&group["system"])).is_some(),
        });
        let subject = Subject {
            what: format!("span {name:?}"),
            attributes,
            failed: span["status"]["code"] == "error",
        };
        let Some(group) = group else {
            // Attributes of a convention make a span one of its spans.
            let strange = attributes.keys().filter(|key| is_whole(key));
            findings
                .problems
                .extend(strange.map(|key| format!("{}: has {key}", subject.what)));
            return;
        };
        if !holds(&group["kinds"], text(&span["kind"])) {
            let (kind, kinds) = (&span["kind"], &group["kinds"]);
            findings
                .problems
                .push(format!("{}: is of kind {kind}, not {kinds}", subject.what));
        }
        let parts: Vec<_> = text(&group["name"])
            .split(' ')
            .filter_map(|part| has(part.trim_matches(['{', '}'])))
            .collect();
        if parts.join(" ") != name {
            let template = &group["name"];
            findings
                .problems
                .push(format!("{}: is not named {template}", subject.what));
        }
        self.attributes(&subject, &group["attributes"], findings);
    }

    fn metric(&self, metric: &Value, findings: &mut Findings) {
        let name = text(&metric["name"]);
        let what = format!("metric {name:?}");
        let Some(group) = self.0["metrics"].get(name) else {
            if is_whole(name) {
                findings.problems.push(format!("{what}: is unknown"));
            }
            for point in list(&metric["points"]) {
                self.elsewhere(&what, &point["attributes"], findings);
            }
            return;
        };
        findings.seen.insert(name.to_owned());
        let is_counter = metric["kind"] == "sum" && metric["monotonic"] == true;
        let instrument = if is_counter {
            "counter"
        } else {
            text(&metric["kind"])
        };
        for (part, there, expected) in [
            ("instrument", instrument, text(&group["instrument"])),
            ("unit", text(&metric["unit"]), text(&group["unit"])),
        ] {
            if there != expected {
                let problem = format!("{what}: its {part} is {there:?}, not {expected:?}");
                findings.problems.push(problem);
            }
        }
        for point in list(&metric["points"]) {
            if let Some(bounds) = group.get("bounds")
                && !same_numbers(&point["bounds"], bounds)
            {
                let there = &point["bounds"];
                findings
                    .problems
                    .push(format!("{what}: its bounds are {there}, not {bounds}"));
            }
            let subject = Subject {
                what: what.clone(),
                attributes: object(&point["attributes"]),
                failed: false,
            };
            self.attributes(&subject, &group["attributes"], findings);
        }
    }

    fn event(&self, log: &Value, dump: &Dump, findings: &mut Findings) {
        let name = text(&log["event_name"]);
        let what = format!("event {name:?}");
        let Some(group) = self.0["events"].get(name) else {
            if is_whole(name) {
                findings.problems.push(format!("{what}: is unknown"));
            }
            self.elsewhere(&what, &log["attributes"], findings);
            return;
        };
        findings.seen.insert(name.to_owned());
        if log["severity"] != group["severity"] {
            let (there, expected) = (&log["severity"], &group["severity"]);
            let problem = format!("{what}: its severity is {there}, not {expected}");
            findings.problems.push(problem);
        }
        let span = dump.spans().iter().find(|s| s["span_id"] == log["span_id"]);
        match (span, group.get("operations")) {
            (None, _) => findings.problems.push(format!("{what}: is of no span")),
            (Some(span), Some(operations)) => {
                let operation = &span["attributes"]["gen_ai.operation.name"];
                if !holds(operations, text(operation)) {
                    let problem = format!("{what}: is of a span of the operation {operation}");
                    findings.problems.push(problem);
                }
            }
            _ => {}
        }
        let subject = Subject {
            what,
            attributes: object(&log["attributes"]),
            failed: true,
        };
        self.attributes(&subject, &group["attributes"], findings);
    }

    /// Each attribute that is there may be there, and is what it should be; each that must be there is.
    fn attributes(&self, subject: &Subject<'_>, rules: &Value, findings: &mut Findings) {
        let Subject {
            what,
            attributes,
            failed,
        } = subject;
        let has = |key: &str| attributes.contains_key(key);
        for (key, value) in *attributes {
            if rules.get(key).is_none() && (is_whole(key) || self.knows(key)) {
                findings
                    .problems
                    .push(format!("{what}: {key} is no attribute of it"));
            } else if let Some(problem) = self.wrong(key, value) {
                findings.problems.push(format!("{what}: {problem}"));
            }
            if self.knows(key) {
                findings.seen.insert(key.clone());
            }
        }
        for (key, rule) in object(rules) {
            let (rule, of) = match text(rule).split_once(' ') {
                Some(("only", of)) => ("only with", of.trim_start_matches("with ")),
                Some((rule, of)) => (rule, of),
                None => (text(rule), ""),
            };
            let holds = match rule {
                "required" => has(key),
                "optional" => true,
                "opt-in" => !has(key),
                "if" if of == "error" => has(key) == *failed,
                // The name of the span is made of it.
                "if" if of == "asked" => has(key) || !what.contains(' ') || ends_alone(what),
                "with" => has(key) == has(of),
                "only with" => !has(key) || has(of),
                "or" => has(key) || has(of),
                "of" => {
                    let provider = attributes.get("gen_ai.provider.name").map_or("", text);
                    !has(key) || provider == of
                }
                other => panic!("the table has the rule {other:?}"),
            };
            if !holds {
                let there = if has(key) { "is there" } else { "is missing" };
                findings
                    .problems
                    .push(format!("{what}: {key} {there}; it is {rule} {of}"));
            }
        }
    }

    /// Attributes of what the conventions say nothing of: a name in their namespaces is one of theirs, and is used as they
    /// say.
    fn elsewhere(&self, what: &str, attributes: &Value, findings: &mut Findings) {
        for (key, value) in attributes.as_object().into_iter().flatten() {
            if !self.knows(key) {
                let strange = is_whole(key).then(|| format!("{what}: {key} is unknown"));
                findings.problems.extend(strange);
                continue;
            }
            let wrong = self.wrong(key, value);
            findings
                .problems
                .extend(wrong.map(|problem| format!("{what}: {problem}")));
            findings.seen.insert(key.clone());
        }
    }

    /// What is wrong with a value: its type, or that it is not a known one.
    fn wrong(&self, key: &str, value: &Value) -> Option<String> {
        let definition = self.0["attributes"].get(key)?;
        let kind = text(&definition["type"]);
        let fits = match kind {
            "string" => value.is_string(),
            "int" => value.is_i64() || value.is_u64(),
            "double" => value.is_f64(),
            "boolean" => value.is_boolean(),
            "string[]" => value
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string)),
            "any" => true,
            other => panic!("the table has the type {other:?}"),
        };
        if !fits {
            return Some(format!("{key} is {value}, not of type {kind}"));
        }
        if value.as_str().is_some_and(str::is_empty) {
            return Some(format!("{key} is empty"));
        }
        let values = definition.get("values")?;
        (!list(values).contains(value)).then(|| format!("{key} is {value}, none of {values}"))
    }
}

/// Walks with pytest-genai-semconv over what left, if it is on this machine.
///
/// # Panics
/// When it finds a problem.
pub fn second_opinion(dump: &Dump) {
    let Some(python) = programs::python("the second opinion on the names of model calls") else {
        return;
    };
    let mut command = Command::new(python);
    command
        .args(["-B", "genai_semconv.py"])
        .current_dir(programs::oracle_dir());
    let output = programs::run(command, dump.0.to_string().as_bytes()).expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found: Vec<(String, String)> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found, []);
}

/// Whether the name of a span is one word: the operation without a model.
fn ends_alone(what: &str) -> bool {
    what.trim_start_matches("span ").matches(' ').count() == 0
}

fn is_whole(name: &str) -> bool {
    WHOLE.iter().any(|namespace| name.starts_with(namespace))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn holds(values: &Value, text: &str) -> bool {
    list(values).iter().any(|value| value == text)
}

fn same_numbers(one: &Value, other: &Value) -> bool {
    let numbers =
        |value: &Value| -> Vec<Option<f64>> { list(value).iter().map(Value::as_f64).collect() };
    numbers(one) == numbers(other)
}
