//! rotel, an OTLP collector, in front of another receiver.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::programs;

/// Prints where the wheel of rotel has its binary.
const FIND: &str =
    "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";

/// A running collector; ended when dropped.
#[derive(Debug)]
pub struct Rotel {
    child: Child,
    http: u16,
    grpc: u16,
}

impl Rotel {
    /// Starts one that sends on over gRPC, and waits until it listens. `None` (and a SKIPPED line) if it is not
    /// installed.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when it does not come up.
    pub fn start(test: &str, receiver: &str) -> Option<Self> {
        let Some(agent) = agent() else {
            programs::missing(
                test,
                "rotel (tests/oracle/requirements.txt, see .ci/run, or set OBS_TEST_ROTEL)",
            );
            return None;
        };
        let (http, grpc) = (free_port(), free_port());
        let child = Command::new(agent)
            .arg("start")
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "grpc"])
            .args(["--otlp-exporter-endpoint", receiver])
            // Of a batch that it splits, 0.0.1a15 loses the resource of the second part.
            .args(["--batch-max-size", "1000000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the file was found a moment ago");
        let mut this = Self { child, http, grpc };
        this.wait();
        Some(this)
    }

    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        while !(listens(self.http) && listens(self.grpc)) {
            let ended = self.child.try_wait().expect("it was started");
            assert!(ended.is_none(), "rotel ended: {ended:?}");
            assert!(Instant::now() < until, "rotel does not listen");
            thread::yield_now();
        }
    }

    /// The endpoint for OTLP over HTTP, without a path.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The endpoint for OTLP over gRPC.
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Asks it to end, which sends what it has gathered, and waits.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn end(mut self) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: the process was started here and not waited for, so the id is still its own.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
        let status = self.child.wait().expect("it was started");
        assert!(status.success(), "rotel: {status}");
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary: `OBS_TEST_ROTEL`, that of the python of the oracle, or one on the path.
fn agent() -> Option<PathBuf> {
    let wheel = programs::find_python().and_then(|python| {
        let output = Command::new(python).args(["-c", FIND]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(path.trim()))
    });
    let named = std::env::var_os("OBS_TEST_ROTEL").map(PathBuf::from);
    let candidates = [named, wheel, Some(PathBuf::from("rotel-agent"))];
    candidates.into_iter().flatten().find(|agent| {
        let output = Command::new(agent).arg("--help").output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// One that was free a moment ago: rotel does not say which it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("it is bound").port()
}
