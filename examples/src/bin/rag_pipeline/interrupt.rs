//! Ctrl-C, and the request to end that service managers send.

/// Ends when the program is asked to stop. A second Ctrl-C ends the program at once.
pub async fn interrupted() {
    requested().await;
    tokio::spawn(async {
        requested().await;
        std::process::exit(STATUS.into());
    });
}

/// What a shell reports for a program that Ctrl-C ended: 128 and the number of the signal.
pub const STATUS: u8 = 130;

async fn requested() {
    let ctrl_c = async {
        // Without a handler, Ctrl-C ends the program as it always does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = ctrl_c => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
