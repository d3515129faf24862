//! A real Prometheus that scrapes one address.

use std::net::SocketAddr;
use std::process::Command;

use crate::programs;
use crate::promql::PromQl;
use crate::server::Server;

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
        let folder = std::env::temp_dir().join(format!("obs-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let token = token.map_or(String::new(), |token| {
            format!("  authorization: {{credentials: {token}}}\n")
        });
        let config = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
             scrape_configs:\n- job_name: obs\n{token}  static_configs: [{{targets: ['{target}']}}]\n"
        );
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("the configuration is written");
        let server = Server::start(&folder, "/-/ready", |port| {
            let mut command = Command::new("prometheus");
            command
                .arg("--enable-feature=exemplar-storage")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"));
            command
        });
        Some(Self(server))
    }

    /// Its query language.
    pub fn promql(&self) -> PromQl {
        PromQl::new(self.0.port())
    }
}
