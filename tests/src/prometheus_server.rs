//! A real Prometheus: one that scrapes an address, or one that takes metrics over OTLP.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::programs;
use crate::promql::PromQl;
use crate::server::{self, Server};

/// A running Prometheus; it ends when dropped.
#[derive(Debug)]
pub struct Prometheus(Server);

impl Prometheus {
    /// Scrapes `target` five times a second, with a bearer token if there is one. `None` (and a
    /// SKIPPED line) when Prometheus is not installed.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when Prometheus does not start.
    pub fn scrape(test: &str, target: SocketAddr, token: Option<&str>) -> Option<Self> {
        if Command::new("prometheus")
            .arg("--version")
            .output()
            .is_err()
        {
            programs::missing(test, "prometheus (Debian package prometheus)");
            return None;
        }
        let token = token.map_or(String::new(), |token| {
            format!("  authorization: {{credentials: {token}}}\n")
        });
        let config = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
             scrape_configs:\n- job_name: obs\n{token}  static_configs: [{{targets: ['{target}']}}]\n"
        );
        Some(Self::start(test, Path::new("prometheus"), &config, &[]))
    }

    /// Takes metrics over OTLP, and keeps exponential histograms as native ones. `None` (and a SKIPPED line)
    /// without a Prometheus that can: `OBS_TEST_PROMETHEUS_OTLP`, or what `.ci/run` builds, or `prometheus` of the
    /// path if it is one. Debian's has no such receiver, so it is no part of what `.ci/run` must have.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn receive(test: &str) -> Option<Self> {
        let installed = "prometheus-otlp/prometheus";
        let program = programs::find("OBS_TEST_PROMETHEUS_OTLP", installed, "prometheus");
        let program = program.filter(|program| {
            let help = Command::new(program).arg("--help").output();
            help.is_ok_and(|help| {
                let said = [help.stdout, help.stderr].concat();
                String::from_utf8_lossy(&said).contains("web.enable-otlp-receiver")
            })
        });
        let Some(program) = program else {
            eprintln!(
                "{test}: SKIPPED, needs a Prometheus with --web.enable-otlp-receiver (scripts/prometheus-otlp builds one)"
            );
            return None;
        };
        let config = "storage: {tsdb: {out_of_order_time_window: 10m}}\n";
        let arguments = ["--web.enable-otlp-receiver"];
        Some(Self::start(test, &program, config, &arguments))
    }

    fn start(test: &str, program: &Path, config: &str, arguments: &[&str]) -> Self {
        let folder = server::folder(test);
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("the configuration is written");
        Self(Server::start(&folder, "/-/ready", |port| {
            let mut command = Command::new(program);
            command
                .arg("--enable-feature=exemplar-storage,native-histograms")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(arguments);
            command
        }))
    }

    /// The endpoint for OTLP over HTTP: of metrics, since it knows nothing else.
    pub fn otlp_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/otlp", self.0.port())
    }

    /// Its query language.
    pub fn promql(&self) -> PromQl {
        PromQl::new(self.0.port())
    }
}
