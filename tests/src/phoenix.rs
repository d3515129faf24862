//! Arize Phoenix, which shows what language models did.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// It starts slowly, and shows what it received some time after.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running Phoenix with a folder of its own; ended when dropped.
#[derive(Debug)]
pub struct Phoenix {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Phoenix {
    /// Starts the program that `OBS_TEST_PHOENIX` names (`…/bin/phoenix`) and waits until it answers. `None` (and a
    /// SKIPPED line) without the variable: it is large, and no part of what `.ci/run` must have.
    ///
    /// # Panics
    /// When it does not come up.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn start(test: &str) -> Option<Self> {
        let Some(program) = std::env::var_os("OBS_TEST_PHOENIX") else {
            eprintln!(
                "{test}: SKIPPED, needs OBS_TEST_PHOENIX, the path of Arize Phoenix' program"
            );
            return None;
        };
        let folder = std::env::temp_dir().join(format!("obs-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let (port, grpc) = (free_port(), free_port());
        let child = Command::new(program)
            .arg("serve")
            .env("PHOENIX_WORKING_DIR", &folder)
            .env("PHOENIX_HOST", "127.0.0.1")
            .env("PHOENIX_PORT", port.to_string())
            .env("PHOENIX_GRPC_PORT", grpc.to_string())
            .env("PHOENIX_TELEMETRY_ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("OBS_TEST_PHOENIX names a program");
        let mut this = Self {
            child,
            port,
            folder,
        };
        this.wait_for("an answer", |this| {
            let ended = this.child.try_wait().expect("it was started");
            assert!(ended.is_none(), "Phoenix ended: {ended:?}");
            let health = http::get(this.port, "/healthz", "");
            health
                .is_ok_and(|answer| answer.status == 200)
                .then_some(())
        });
        Some(this)
    }

    /// The endpoint for OTLP over HTTP, without a path.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The spans of the default project, once there are so many.
    ///
    /// # Panics
    /// When they do not arrive.
    pub fn spans(&mut self, number: usize) -> Vec<Value> {
        self.wait_for("spans", |this| {
            let answer = http::get(this.port, "/v1/projects/default/spans?limit=100", "").ok()?;
            let answer: Value = serde_json::from_str(&answer.body).ok()?;
            let spans = answer["data"].as_array()?;
            (spans.len() >= number).then(|| spans.clone())
        })
    }

    /// What the query language says.
    ///
    /// # Panics
    /// When it does not answer with JSON.
    pub fn query(&self, query: &str) -> Value {
        let body = json!({ "query": query }).to_string();
        let text = self.post("/graphql", &body).expect("Phoenix answers");
        let (_, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body:?}"));
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer["data"].clone()
    }

    /// HTTP/1.0: the body is what follows the head.
    fn post(&self, path: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Asks again until there is something.
    fn wait_for<T>(&mut self, what: &str, mut ask: impl FnMut(&mut Self) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ask(self) {
                return found;
            }
            assert!(Instant::now() < until, "no {what} of Phoenix");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("it is bound").port()
}
