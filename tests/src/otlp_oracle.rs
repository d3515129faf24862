//! The OTLP receiver in python that shares no code with obs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{http, programs};

/// A running `oracle/otlp_server.py`; ended when dropped.
#[derive(Debug)]
pub struct OtlpOracle {
    child: Child,
    http: u16,
    grpc: u16,
}

impl OtlpOracle {
    /// Starts it and waits until it listens. `None` (and a SKIPPED line) if python or its packages
    /// are missing.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when the server does not come up.
    pub fn start(test: &str) -> Option<Self> {
        let mut child = Command::new(programs::python(test)?)
            .args(["-B", "otlp_server.py"])
            .current_dir(programs::oracle_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this python ran a moment ago");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped above"))
            .read_line(&mut line)
            .expect("the oracle prints UTF-8");
        let ports: Value = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("the oracle did not start ({e}), it printed {line:?}"));
        let port = |name: &str| {
            ports[name]
                .as_u64()
                .and_then(|p| u16::try_from(p).ok())
                .unwrap_or_else(|| panic!("no port {name} in {line:?}"))
        };
        let (http, grpc) = (port("http"), port("grpc"));
        Some(Self { child, http, grpc })
    }

    /// The endpoint for OTLP over HTTP, without a path.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The endpoint for OTLP over gRPC.
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// What has arrived so far.
    ///
    /// # Panics
    /// When the oracle has died.
    pub fn dump(&self) -> Dump {
        let answer = http::get(self.http, "/dump", "").expect("the oracle answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
        Dump(serde_json::from_str(&answer.body).expect("the oracle answers with JSON"))
    }
}

impl Drop for OtlpOracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that the oracle received; the fields are described in `oracle/otlp_server.py`.
#[derive(Clone, Debug)]
pub struct Dump(pub Value);

impl Dump {
    fn list(&self, name: &str) -> &[Value] {
        self.0[name]
            .as_array()
            .unwrap_or_else(|| panic!("no list {name} in the oracle's answer"))
    }

    /// What is wrong with what was sent; empty is right.
    pub fn problems(&self) -> &[Value] {
        self.list("problems")
    }

    /// Every span.
    pub fn spans(&self) -> &[Value] {
        self.list("spans")
    }

    /// Every metric of every request, in the order of arrival.
    pub fn metrics(&self) -> &[Value] {
        self.list("metrics")
    }

    /// Every log record, in the order of arrival.
    pub fn logs(&self) -> &[Value] {
        self.list("logs")
    }

    /// The requests: signal, transport (`http` or `grpc`) and size.
    pub fn requests(&self) -> &[Value] {
        self.list("requests")
    }

    /// The spans of that name.
    pub fn named(&self, name: &str) -> Vec<&Value> {
        self.spans().iter().filter(|s| s["name"] == name).collect()
    }

    /// The only span of that name.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn only(&self, name: &str) -> &Value {
        match self.named(name)[..] {
            [span] => span,
            ref found => panic!("{} spans are named {name}, not 1", found.len()),
        }
    }

    /// The last points of a metric: all that a cumulative exporter has to say.
    ///
    /// # Panics
    /// When the metric has not arrived.
    pub fn last_metric(&self, name: &str) -> &Value {
        self.metrics()
            .iter()
            .rfind(|m| m["name"] == name)
            .unwrap_or_else(|| panic!("metric {name} has not arrived"))
    }
}
