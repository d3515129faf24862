//! The loop that accepts connections, and the orderly end of all of them.
//!
//! Everything here runs on the server's thread. A semaphore bounds the connections; each is a task
//! that hears of the end through the same channel as the loop does. The listener is closed first,
//! so that the port is free while the last requests are finished.

use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::route::Routes;
use super::stream::PatientStream;
use crate::self_log;

/// The most bytes that the head of a request may have.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

type Stop = watch::Receiver<Option<Instant>>;

/// Serves until `stop` has a deadline, finishes what is under way, and returns the deadline.
pub(super) async fn serve(listener: TcpListener, routes: Arc<Routes>, mut stop: Stop) -> Instant {
    let mut connections = JoinSet::new();
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            self_log::warn("http", "listen", format_args!("the server ended: {error}"));
            return Instant::now();
        }
    };
    let limit = Arc::new(Semaphore::new(routes.config.max_connections));
    let deadline = loop {
        tokio::select! {
            deadline = stopped(&mut stop) => break deadline,
            (stream, permit) = accept(&listener, &limit) => {
                let stream = PatientStream::new(stream, routes.config.client_timeout);
                connections.spawn(connection(stream, Arc::clone(&routes), stop.clone(), permit));
            }
            Some(_) = connections.join_next() => {}
        }
    };
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // A connection that is still open then is cut off with the runtime.
    let _ = tokio::time::timeout_at(deadline.into(), ended).await;
    deadline
}

/// Waits until a deadline is set. A server that was dropped without one ends at once.
async fn stopped(stop: &mut Stop) -> Instant {
    match stop.wait_for(Option::is_some).await {
        Ok(deadline) => deadline.unwrap_or_else(Instant::now),
        Err(_) => Instant::now(),
    }
}

async fn accept(
    listener: &tokio::net::TcpListener,
    limit: &Arc<Semaphore>,
) -> (tokio::net::TcpStream, OwnedSemaphorePermit) {
    loop {
        let permit = Arc::clone(limit).acquire_owned().await;
        match (permit, listener.accept().await) {
            (Ok(permit), Ok((stream, _))) => return (stream, permit),
            (_, Err(error)) => {
                self_log::warn(
                    "http",
                    "accept",
                    format_args!("cannot accept a connection: {error}"),
                );
                // Most likely there are no more file descriptors; they come back with time.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            // The semaphore is never closed.
            (Err(_), _) => {}
        }
    }
}

async fn connection(
    stream: PatientStream,
    routes: Arc<Routes>,
    mut stop: Stop,
    permit: OwnedSemaphorePermit,
) {
    let client_timeout = routes.config.client_timeout;
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(&request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(client_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    // A client that breaks off or sends nonsense is not our concern: its error is not looked at.
    tokio::select! {
        _ = serving.as_mut() => {}
        _ = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
    drop(permit);
}
