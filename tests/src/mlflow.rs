//! MLflow, which shows what language models did, and keeps their tokens.

use std::process::Command;

use serde_json::Value;

use crate::http;
use crate::programs;
use crate::server::{self, Server, until};

/// A running MLflow with a folder of its own; it ends when dropped.
#[derive(Debug)]
pub struct Mlflow(Server);

impl Mlflow {
    /// Starts the server of the python that `OBS_TEST_MLFLOW` names, or of the one that `.ci/run` installs. `None` (and a
    /// SKIPPED line) without one: it is large, and no part of what `.ci/run` must have.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn start(test: &str) -> Option<Self> {
        let installed = "mlflow-3.17.2/bin/python";
        let found = programs::find("OBS_TEST_MLFLOW", installed, "mlflow-python");
        let Some(python) = found else {
            eprintln!("{test}: SKIPPED, needs OBS_TEST_MLFLOW, the path of a python with MLflow");
            return None;
        };
        let folder = server::folder(test);
        let store = format!("sqlite:///{}", folder.join("mlflow.db").display());
        Some(Self(Server::start(&folder, "/health", |port| {
            let mut command = Command::new(&python);
            // What `mlflow server` starts, without the process between.
            command
                .args(["-m", "uvicorn", "mlflow.server.fastapi_app:app"])
                .args(["--host", "127.0.0.1", "--port", &port.to_string()])
                .env("_MLFLOW_SERVER_FILE_STORE", &store)
                .env("_MLFLOW_SERVER_ARTIFACT_ROOT", folder.join("artifacts"))
                .env("MLFLOW_DISABLE_TELEMETRY", "true");
            command
        })))
    }

    /// The endpoint for OTLP over HTTP, without a path. Requests need the header `x-mlflow-experiment-id: 0`.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port())
    }

    /// The trace of this id in hexadecimal digits, once it has so many spans: `trace_info` and `spans`.
    ///
    /// # Panics
    /// When it does not arrive.
    pub fn trace(&self, id: &str, spans: usize) -> Value {
        let path = format!("/api/3.0/mlflow/traces/get?trace_id=tr-{id}&allow_partial=true");
        until("the trace", || {
            let answer = http::get(self.0.port(), &path, "").ok()?;
            let answer: Value = serde_json::from_str(&answer.body).ok()?;
            let trace = &answer["trace"];
            let all = trace["spans"].as_array()?;
            (all.len() >= spans).then(|| trace.clone())
        })
    }
}

/// The attribute of a span as MLflow answers it: numbers and texts as they are, a map as an object.
pub fn attribute(span: &Value, key: &str) -> Value {
    let pairs = span["attributes"].as_array().map_or(&[][..], Vec::as_slice);
    let pair = pairs.iter().find(|pair| pair["key"] == key);
    pair.map_or(Value::Null, |pair| plain(&pair["value"]))
}

fn plain(value: &Value) -> Value {
    for kind in ["string_value", "int_value", "double_value", "bool_value"] {
        if let Some(value) = value.get(kind) {
            return value.clone();
        }
    }
    let pairs = value["kvlist_value"]["values"].as_array();
    let pairs = pairs.map_or(&[][..], Vec::as_slice).iter();
    let member = |pair: &Value| {
        let key = pair["key"].as_str().unwrap_or_default();
        (key.to_owned(), plain(&pair["value"]))
    };
    Value::Object(pairs.map(member).collect())
}
