//! A program that listens on a port of this machine while a test runs.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http;

/// Nothing here takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running server with a folder of its own; it ends, and the folder goes, when it is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// Starts what `command` makes for a free TCP port, and waits until a GET of `health` answers 200.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(folder: &Path, health: &str, command: impl FnMut(u16) -> Command) -> Self {
        Self::start_until(folder, command, |server| {
            http::get(server.port, health, "").is_ok_and(|answer| answer.status == 200)
        })
    }

    /// The same, with another way to say that it is up.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_until(
        folder: &Path,
        mut command: impl FnMut(u16) -> Command,
        is_up: impl Fn(&Self) -> bool,
    ) -> Self {
        std::fs::create_dir_all(folder).expect("a folder for the test");
        // The port may be taken by somebody else in between: try another then.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("bound").port();
            drop(free);
            let output = File::create(folder.join("output")).expect("a file for the test");
            let process = command(port)
                .stdin(Stdio::null())
                .stdout(output)
                .stderr(Stdio::null())
                .spawn()
                .expect("the server starts");
            let mut server = Self {
                process,
                port,
                folder: folder.to_owned(),
            };
            let up = until("the server is up", || {
                let ended = server.process.try_wait().expect("the process is ours");
                if ended.is_some() {
                    return Some(false);
                }
                is_up(&server).then_some(true)
            });
            if up {
                return server;
            }
            // The folder stays for the next one.
            server.folder = PathBuf::new();
        }
        panic!("the server does not start");
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has written to standard output.
    ///
    /// # Panics
    /// When the file cannot be read.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.join("output")).expect("the server's output")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or these end it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if self.folder != Path::new("") {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder for the server of a test.
pub fn folder(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("obs-{test}-{}", std::process::id()))
}

/// Asks another process until it says something. Only asking again tells, so this pauses between.
///
/// # Panics
/// When there is no answer after five minutes.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "still waiting for: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
