//! The endpoint that Prometheus scrapes, as part of an `Observability`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::Error;
use crate::http::{HttpConfig, HttpServer};
use crate::metrics::MetricSource;
use crate::processor::sink::{MetricReader, PendingFlush};
use crate::scope::Scope;

/// Starts the server for a scope. It keeps the scope by a weak reference: the guard alone decides how
/// long that lives.
pub(super) fn start(
    scope: &Arc<Scope>,
    addr: SocketAddr,
    config: HttpConfig,
) -> Result<HttpServer, Error> {
    let source = Arc::new(Source(Arc::downgrade(scope)));
    let of_health = Arc::downgrade(scope);
    let health = Arc::new(move || match of_health.upgrade() {
        Some(scope) => scope.health().problems,
        None => vec!["obs is switched off".to_owned()],
    });
    HttpServer::start(
        addr,
        config.resource(scope.resource.clone()),
        source,
        health,
    )
}

struct Source(Weak<Scope>);

impl MetricSource for Source {
    fn collect(&self, out: &mut Vec<crate::metrics::MetricFamily>) {
        if let Some(scope) = self.0.upgrade() {
            scope.collect(out);
        }
    }
}

/// The address that a host and a port of the environment name.
pub(super) fn resolve(host: &str, port: u16) -> Result<SocketAddr, Error> {
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

impl MetricReader for HttpServer {
    fn flush(&self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        Self::shutdown(self, deadline)
    }
}
