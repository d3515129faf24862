//! A real VictoriaMetrics, which takes metrics over OTLP.

use std::process::Command;

use crate::http;
use crate::programs;
use crate::promql::PromQl;
use crate::server::{self, Server};

/// A running VictoriaMetrics; it ends when dropped.
#[derive(Debug)]
pub struct VictoriaMetrics(Server);

impl VictoriaMetrics {
    /// Starts it: `OBS_TEST_VICTORIA_METRICS`, what `.ci/run` installs, or `victoria-metrics` of the
    /// path. `None` (and a SKIPPED line) if there is none. It names metrics as Prometheus does.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when it does not start.
    pub fn start(test: &str) -> Option<Self> {
        let installed = "victoria-metrics/usr/bin/victoria-metrics";
        let program = programs::find("OBS_TEST_VICTORIA_METRICS", installed, "victoria-metrics");
        let Some(program) = program else {
            programs::missing(test, "victoria-metrics (see .ci/run)");
            return None;
        };
        let folder = server::folder(test);
        let data = folder.join("data");
        let server = Server::start(&folder, "/health", |port| {
            let mut command = Command::new(&program);
            command
                .arg(format!("-storageDataPath={}", data.display()))
                .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                .args([
                    "-retentionPeriod=1d",
                    // What was taken can be asked for at once.
                    "-search.latencyOffset=0s",
                    "-opentelemetry.usePrometheusNaming",
                ]);
            command
        });
        Some(Self(server))
    }

    /// The endpoint for OTLP over HTTP: of metrics, since it knows nothing else.
    pub fn otlp_url(&self) -> String {
        format!("http://127.0.0.1:{}/opentelemetry", self.0.port())
    }

    /// What was taken can be found from now on.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn settle(&self) {
        let answer = http::get(self.0.port(), "/internal/force_flush", "");
        assert_eq!(answer.expect("an answer").status, 200);
    }

    /// Its query language.
    pub fn promql(&self) -> PromQl {
        PromQl::new(self.0.port())
    }
}
