//! The endpoint that Prometheus scrapes, as a part of an `Observability`.

use core::sync::atomic::{AtomicU64, Ordering};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use crate::Error;
use crate::clock::unix_nanos;
use crate::init::component::{Component, Environment, Startup};
use crate::init::{Builder, Handle};
use crate::metrics::{Labels, MetricData, MetricFamily, MetricSource, Number, source};
use crate::processor::sink::{MetricReader, PendingFlush};
use crate::scope::{Extension, Scope};
use crate::semconv::metric;
use crate::server::{HealthCheck, HttpConfig, HttpServer};
use crate::vars::Vars;

/// OpenTelemetry's default of `OTEL_EXPORTER_PROMETHEUS_PORT`.
const PORT: u16 = 9464;

/// Where metrics are served, if they are.
#[derive(Default)]
pub(crate) struct Prometheus {
    /// What the program says.
    given: Option<(SocketAddr, HttpConfig)>,
    /// The host and the port that the environment names.
    named: Option<(String, u16)>,
}

impl Component for Prometheus {
    fn resolve(&mut self, env: &mut Environment<'_>) {
        if env.selection.metrics.has("prometheus") == Some(true) {
            let host = env.vars.text("OTEL_EXPORTER_PROMETHEUS_HOST");
            let host = host.unwrap_or_else(|| "localhost".to_owned());
            let port = port(&mut env.vars);
            self.named = env.vars.ok_or_note(port).map(|port| (host, port));
        }
    }

    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let asked = match (self.given.take(), self.named.take()) {
            (Some(given), _) => Ok(given),
            (None, Some((host, port))) => {
                look_up(&host, port).map(|addr| (addr, HttpConfig::new()))
            }
            (None, None) => return Ok(()),
        };
        match asked.and_then(|(addr, config)| serve(&startup.scope, addr, config)) {
            Ok(server) => {
                let addr = startup.scope.extension::<ServedAt>();
                let _ = addr.0.set(server.local_addr());
                startup.readers.push(Box::new(server));
                Ok(())
            }
            Err(e) => startup.problem(e.to_string()),
        }
    }
}

/// Starts the server for a scope. It keeps the scope by a weak reference: the guard alone decides how
/// long that lives.
fn serve(scope: &Arc<Scope>, addr: SocketAddr, config: HttpConfig) -> Result<HttpServer, Error> {
    let source = Arc::new(Arc::downgrade(scope));
    let of_health = Arc::downgrade(scope);
    let health: HealthCheck = Arc::new(move || match of_health.upgrade() {
        Some(scope) => scope.health().problems,
        None => vec!["obs is switched off".to_owned()],
    });
    let config = config.resource(scope.resource.clone());
    let left_out = (Arc::clone(&config.left_out), unix_nanos());
    let _ = scope.extension::<LeftOut>().0.set(left_out);
    HttpServer::start(addr, config, source, health)
}

/// How much pages had to leave out, and since when that is counted.
#[derive(Default)]
struct LeftOut(OnceLock<(Arc<AtomicU64>, u64)>);

impl Extension for LeftOut {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

impl MetricSource for LeftOut {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        if let Some((left_out, start)) = self.0.get() {
            let value = Number::U64(left_out.load(Ordering::Relaxed));
            let points = vec![source::point(Labels::new(), *start, value)];
            let def = &metric::OBS_PROMETHEUS_LEFT_OUT;
            source::push(out, def, MetricData::Counter, points);
        }
    }
}

impl MetricSource for Weak<Scope> {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        if let Some(scope) = self.upgrade() {
            scope.collect(out);
        }
    }
}

impl MetricReader for HttpServer {
    fn flush(&self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        Self::shutdown(self, deadline)
    }
}

/// Looks up the address that a host and a port of the environment name.
fn look_up(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let found = (host, port).to_socket_addrs().ok();
    // `localhost` may name ::1 first; the convention's default is what most scrapers are told.
    let found: Vec<SocketAddr> = found.into_iter().flatten().collect();
    let v4 = found.iter().find(|a| a.is_ipv4());
    v4.or(found.first()).copied().ok_or_else(|| {
        Error::config(format!(
            "OTEL_EXPORTER_PROMETHEUS_HOST={host}: expected an IP address or a host name of this machine"
        ))
    })
}

fn port(vars: &mut Vars<'_>) -> Result<u16, Error> {
    let Some(text) = vars.text("OTEL_EXPORTER_PROMETHEUS_PORT") else {
        return Ok(PORT);
    };
    text.parse().map_err(|_| {
        Error::config(format!(
            "OTEL_EXPORTER_PROMETHEUS_PORT={text}: expected a port from 0 (any free one) to 65535"
        ))
    })
}

/// Returns the port of the Prometheus endpoint as `OTEL_EXPORTER_PROMETHEUS_PORT` says it, 9464 without.
///
/// ```
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let port = obs_runtime::server::prometheus_port_from_env()?;
/// # assert_eq!(port, 9464);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the variable is no port.
pub fn prometheus_port_from_env() -> Result<u16, Error> {
    port(&mut Vars::of_process())
}

/// Where `/metrics` is served.
#[derive(Default)]
struct ServedAt(OnceLock<SocketAddr>);

impl Extension for ServedAt {}

impl Handle {
    /// Returns where `/metrics` is served; none if it is not.
    pub fn prometheus_addr(&self) -> Option<SocketAddr> {
        self.scope.extension::<ServedAt>().0.get().copied()
    }
}

impl Builder {
    /// Serves `/metrics` for Prometheus, and `/health`, at an address of this machine; port 0 lets the
    /// system choose ([`Observability::prometheus_addr`](crate::Handle::prometheus_addr)). Off loopback a bearer token is needed:
    /// [`Builder::prometheus_with`].
    ///
    /// A port that is taken is reported in [`Observability::health`](crate::Handle::health), and the program runs without.
    pub fn prometheus(self, addr: impl Into<SocketAddr>) -> Self {
        self.prometheus_with(addr, HttpConfig::new())
    }

    /// Does the same as [`Builder::prometheus`], with a token, host names and limits of your own.
    pub fn prometheus_with(mut self, addr: impl Into<SocketAddr>, config: HttpConfig) -> Self {
        self.component::<Prometheus>().given = Some((addr.into(), config));
        self
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
