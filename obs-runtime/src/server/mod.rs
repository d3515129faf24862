//! The HTTP server that answers `/metrics` for Prometheus and `/health` for people and probes.
//!
//! [`HttpServer`] runs on a thread of its own with a single-threaded tokio runtime, so the program
//! needs no runtime and a busy one cannot delay a scrape. Metrics are collected on that runtime's
//! blocking threads, because a source may be slow or hang.
//!
//! The server must stay safe to leave open. It listens on loopback unless told otherwise, and
//! demands a bearer token on any other address. Every request must name a host that belongs to the
//! server, so that a web page cannot read metrics by pointing its own name at this machine (DNS
//! rebinding). It sends no CORS header. Connections, the head of a request and waiting for a
//! client are all limited.

pub(crate) mod builder;
mod config;
mod guard;
mod route;
mod serve;
mod stream;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use builder::prometheus_port_from_env;
pub use config::HttpConfig;

use crate::Error;
use crate::error::ErrorKind;
use crate::lock::lock;
use crate::metrics::MetricSource;
use crate::trace::suppress::own_thread;

/// Returns what does not work, one sentence for each problem; an empty list means that all is well.
///
/// The server calls it for each request of `/health`, on a blocking thread of its own. A check that
/// takes longer than [`HttpConfig::collect_timeout`] is reported as a problem instead.
pub type HealthCheck = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// How long dropping a server waits for requests under way.
const DROP_DEADLINE: Duration = Duration::from_secs(1);

/// A running HTTP server, which shuts down when it is dropped.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use obs_runtime::server::{HttpConfig, HttpServer};
/// use obs_runtime::metrics::MetricsCollector;
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let everything_is_well = Arc::new(Vec::new);
/// let server = HttpServer::start(
///     ([127, 0, 0, 1], 0).into(),
///     HttpConfig::new(),
///     Arc::new(collector),
///     everything_is_well,
/// )?;
/// println!("metrics at http://{}/metrics", server.local_addr());
/// server.shutdown(Instant::now() + Duration::from_secs(1))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HttpServer {
    local_addr: SocketAddr,
    /// Holds the deadline once the server is to end.
    stop: watch::Sender<Option<Instant>>,
    /// Is disconnected when the server's thread has let go of the port.
    ended: std::sync::Mutex<mpsc::Receiver<()>>,
    thread: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl HttpServer {
    /// Starts a server that listens at `addr`.
    ///
    /// With port 0 the system chooses one; [`local_addr`](Self::local_addr) returns it.
    ///
    /// # Errors
    /// Returns an error when the address is taken or is not one of this machine, when it is not a
    /// loopback address and there is no bearer token, and when no thread can be started.
    pub fn start(
        addr: SocketAddr,
        config: HttpConfig,
        source: Arc<dyn MetricSource>,
        health: HealthCheck,
    ) -> Result<Self, Error> {
        config.check(addr)?;
        let listener = TcpListener::bind(addr).map_err(|e| cannot_listen(addr, e))?;
        let listening = listener
            .set_nonblocking(true)
            .and_then(|()| listener.local_addr());
        let local_addr = listening.map_err(|e| cannot_listen(addr, e))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("obs-http-collect")
            .max_blocking_threads(4)
            .on_thread_start(own_thread)
            .build()
            .map_err(|e| cannot_listen(addr, e))?;

        let routes = route::Routes::new(local_addr, config, source, health);
        let (stop, stopped) = watch::channel(None);
        let (ending, ended) = mpsc::channel::<()>();
        let serve = move || {
            own_thread();
            let deadline = runtime.block_on(serve::serve(listener, Arc::new(routes), stopped));
            // A collection may hang, and must not keep this thread alive.
            runtime.shutdown_timeout(deadline.saturating_duration_since(Instant::now()));
            drop(ending);
        };
        let thread = std::thread::Builder::new()
            .name("obs-http".into())
            .spawn(serve)
            .map_err(|e| cannot_listen(addr, e))?;
        Ok(Self {
            local_addr,
            stop,
            ended: ended.into(),
            thread: Some(thread).into(),
        })
    }

    /// Returns the address that the server listens at.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops accepting requests, finishes those under way until `deadline`, and frees the port.
    ///
    /// # Errors
    /// Returns an error when the server has not ended at the deadline; it then ends as soon as it
    /// can.
    pub fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        self.stop.send_modify(|stop| {
            stop.get_or_insert(deadline);
        });
        let ended = lock(&self.ended);
        // The server gives up at the deadline, and needs a moment to report that.
        let grace = Duration::from_secs(1);
        let wait = deadline.saturating_duration_since(Instant::now()) + grace;
        match ended.recv_timeout(wait) {
            Err(RecvTimeoutError::Disconnected) | Ok(()) => {
                // The library that this is part of may be unloaded next.
                let thread = lock(&self.thread).take();
                let _ = thread.map(std::thread::JoinHandle::join);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "the HTTP server at {} did not end within its deadline",
                    self.local_addr
                ),
            )),
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // A destructor has nobody to report a timeout to.
        let _ = self.shutdown(Instant::now() + DROP_DEADLINE);
    }
}

fn cannot_listen(addr: SocketAddr, error: std::io::Error) -> Error {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => "; choose another port, or 0 for any free one",
        std::io::ErrorKind::AddrNotAvailable => "; use an address of this machine",
        _ => "",
    };
    Error::config(format!("cannot serve metrics at {addr}: {error}{remedy}")).because(error)
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod clients_tests;
#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
