//! Starting the program, and what it talks to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// What a program left behind.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// The program over a folder, in an environment that says nothing.
pub(crate) fn rag_pipeline(docs: impl AsRef<Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rag_pipeline"));
    for (name, _) in std::env::vars() {
        if ["OPENAI_", "OTEL_", "OBS_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || name.to_lowercase().ends_with("_proxy")
        {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .arg("--docs")
        .arg(docs.as_ref());
    command
}

pub(crate) fn run(command: &mut Command) -> Ended {
    command.output().expect("the program starts").into()
}

/// What Ctrl-C does.
#[cfg(unix)]
pub(crate) fn interrupt(child: &std::process::Child) {
    let status = Command::new("kill")
        .arg("-INT")
        .arg(child.id().to_string())
        .status();
    assert!(status.expect("kill").success());
}

/// An HTTP server that gives every request the same answer, for as long as the test program runs.
pub(crate) fn answers_like_openai(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, status, body);
        }
    });
    format!("http://{address}/v1")
}

fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    // The whole request is read: closing earlier would reset the connection.
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
    let head = "Content-Type: application/json\r\nConnection: close";
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A folder that goes away with the test.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "rag-outside-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
}

impl AsRef<Path> for TempDir {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
