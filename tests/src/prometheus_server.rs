//! A real Prometheus that scrapes one address, and its query language.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{http, programs};

/// Nothing here takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running Prometheus; it ends when dropped.
#[derive(Debug)]
pub struct Prometheus {
    process: Child,
    port: u16,
    folder: PathBuf,
}

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
        // The port may be taken by somebody else in between: try another then.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("bound").port();
            drop(free);
            let process = Command::new("prometheus")
                .arg("--enable-feature=exemplar-storage")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("prometheus starts");
            let mut server = Self {
                process,
                port,
                folder: folder.clone(),
            };
            if server.ready() {
                return Some(server);
            }
        }
        panic!("prometheus does not start");
    }

    /// Waits until it answers; false when it ended instead.
    fn ready(&mut self) -> bool {
        let port = self.port;
        until("prometheus is ready", || {
            if self
                .process
                .try_wait()
                .expect("the process is ours")
                .is_some()
            {
                return Some(false);
            }
            let ready = http::get(port, "/-/ready", "");
            ready.is_ok_and(|r| r.status == 200).then_some(true)
        })
    }

    /// The result of an instant query: the series with their values.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub fn query(&self, promql: &str) -> Vec<(Value, f64)> {
        let json = self.ask(promql, "query", "");
        let series = json["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let value = |s: &Value| s["value"][1].as_str().and_then(|v| v.parse().ok());
        series
            .iter()
            .map(|s| (s["metric"].clone(), value(s).expect("a number")))
            .collect()
    }

    /// Asks until a series that the query selects has exemplars: each with its series' labels.
    ///
    /// # Panics
    /// When there is none after two minutes.
    pub fn exemplars_until_result(&self, promql: &str) -> Vec<(Value, Value)> {
        until(promql, || {
            // All of time: the tests' clocks are their own.
            let json = self.ask(promql, "query_exemplars", "&start=0&end=99999999999");
            let series = json["data"].as_array().cloned().unwrap_or_default();
            let all: Vec<_> = series
                .iter()
                .flat_map(|s| {
                    let exemplars = s["exemplars"].as_array().cloned().unwrap_or_default();
                    exemplars
                        .into_iter()
                        .map(|e| (s["seriesLabels"].clone(), e))
                })
                .collect();
            (!all.is_empty()).then_some(all)
        })
    }

    fn ask(&self, promql: &str, endpoint: &str, more: &str) -> Value {
        let encoded: Vec<_> = promql.bytes().map(|b| format!("%{b:02X}")).collect();
        let path = format!("/api/v1/{endpoint}?query={}{more}", encoded.concat());
        let answer = http::get(self.port, &path, "").expect("prometheus answers");
        // Long answers are chunked; the JSON lies between the lengths.
        let head = answer.head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(&answer.body)
        } else {
            answer.body
        };
        let json: Value = serde_json::from_str(&body).expect("prometheus speaks JSON");
        assert_eq!(json["status"], "success", "{promql}: {json}");
        json
    }

    /// Asks until the query has a result.
    ///
    /// # Panics
    /// When there is none after two minutes.
    pub fn query_until_result(&self, promql: &str) -> Vec<(Value, f64)> {
        until(promql, || {
            let result = self.query(promql);
            (!result.is_empty()).then_some(result)
        })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It is gone already, or these end it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Asks another process until it says something. Only asking again tells, so this pauses between.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "still waiting for: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The content of a chunked body (RFC 9112, section 7.1).
fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a chunk's length");
        out.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    out
}
