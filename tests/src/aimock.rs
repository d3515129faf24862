//! aimock, a double of model providers that keeps a journal and makes faults.

use std::process::Command;

use serde_json::Value;

use crate::http_client;
use crate::programs;
use crate::server::{self, Server};

/// A running aimock; it ends when dropped.
#[derive(Debug)]
pub struct Aimock(Server);

impl Aimock {
    /// Starts it with these answers and options: the folder `OBS_TEST_AIMOCK`, or what `.ci/run` installs.
    /// `None` (and a SKIPPED line) if it or node is missing.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when it does not start.
    pub fn start(test: &str, fixtures: &Value, options: &[&str]) -> Option<Self> {
        let installed = "aimock/node_modules/@copilotkit/aimock";
        let program = programs::find("OBS_TEST_AIMOCK", installed, "aimock");
        let node = Command::new("node").arg("--version").output();
        let (Some(program), Ok(_)) = (program, node) else {
            programs::missing(
                test,
                "node and the npm package @copilotkit/aimock (see .ci/run)",
            );
            return None;
        };
        let folder = server::folder(test);
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let file = folder.join("fixtures.json");
        std::fs::write(&file, fixtures.to_string()).expect("the answers are written");
        let server = Server::start(&folder, "/health", |port| {
            let mut command = Command::new("node");
            command
                .arg(program.join("dist/cli.js"))
                .args(["--port", &port.to_string(), "--fixtures"])
                .arg(&file)
                .args(options);
            command
        });
        Some(Self(server))
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port())
    }

    /// Every request that it has had, in order.
    ///
    /// # Panics
    /// When it does not answer with a list.
    pub async fn journal(&self) -> Vec<Value> {
        let url = format!("{}/__aimock/journal?limit=1000", self.url());
        let answer = http_client::client().get(url).send().await;
        let text = answer.expect("aimock answers").text().await;
        serde_json::from_str(&text.expect("a text")).expect("a list")
    }
}
