//! What `#[obs_runtime::main]` runs: the program between `install` and the last flush.

use std::future::Future;
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::runtime::{Builder as RuntimeBuilder, Runtime};
use tokio::sync::oneshot;

use crate::init::{Builder, Observability, exit};
#[cfg(feature = "pipeline")]
use crate::init::{DEADLINE, SILENT};
use crate::lock::lock;
use crate::self_log;
use crate::semconv::attribute as key;

/// The arguments of `#[main]`.
#[derive(Debug)]
pub struct Main {
    builder: Builder,
    worker_threads: Option<usize>,
    current_thread: bool,
    signals: bool,
}

/// The guard, which the end of `main` and a signal both want: the first takes it.
type Guard = Arc<Mutex<Option<Observability>>>;

impl Main {
    /// The defaults. Cargo may have said the names of the binary and of its package, and the
    /// package's version.
    pub fn new(names: [Option<&'static str>; 2], version: Option<&'static str>) -> Self {
        let name = names.into_iter().flatten().next();
        let known = [(key::SERVICE_NAME, name), (key::SERVICE_VERSION, version)];
        let known = known
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), value?.into())));
        Self {
            builder: Observability::builder().of_program(known.collect()),
            worker_threads: None,
            current_thread: false,
            signals: true,
        }
    }

    /// `service = …`
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.builder = self.builder.service_name(name);
        self
    }

    /// `setup = …`
    #[must_use]
    pub fn setup(mut self, setup: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = setup(self.builder);
        self
    }

    /// `worker_threads = …`
    #[must_use]
    pub fn worker_threads(mut self, threads: usize) -> Self {
        self.worker_threads = Some(threads.max(1));
        self
    }

    /// `flavor = "current_thread"`
    #[must_use]
    pub fn current_thread(mut self) -> Self {
        self.current_thread = true;
        self
    }

    /// `signals = false`
    #[must_use]
    pub fn without_signals(mut self) -> Self {
        self.signals = false;
        self
    }

    /// Runs a synchronous `main`. A signal cancels the runs of pipelines, flushes and ends the process,
    /// wherever `main` is.
    pub fn run<R>(self, main: impl FnOnce() -> R) -> R {
        let guard = install(self.builder);
        if self.signals {
            let guard = Arc::clone(&guard);
            on_signals(move |status| {
                cancel_runs();
                // Without a runtime nobody waits for them.
                let waiting = RuntimeBuilder::new_current_thread().enable_time().build();
                let _ = waiting.map(|runtime| runtime.block_on(runs_ended()));
                flush(&guard);
                process::exit(status)
            });
        }
        let flushing = FlushOnDrop(guard);
        let value = main();
        drop(flushing);
        value
    }

    /// Runs an asynchronous `main`. A signal cancels the runs of pipelines and waits for them, while
    /// `main` goes on; then it drops `main`, flushes, and ends the process.
    ///
    /// # Panics
    /// When the operating system refuses the threads of the runtime: there is no way to go on.
    pub fn run_async<F: Future>(self, main: F) -> F::Output {
        let runtime = match runtime(self.current_thread, self.worker_threads) {
            Ok(runtime) => runtime,
            Err(error) => panic!("the tokio runtime could not start: {error}"),
        };
        // Exporters may want the runtime.
        let entered = runtime.enter();
        let guard = install(self.builder);
        let (signal, mut signalled) = oneshot::channel();
        if self.signals {
            on_signals(move |status| {
                // An error says that `main` has returned: it flushes and exits by itself.
                let _ = signal.send(status);
            });
        } else {
            drop(signal);
        }
        let flushing = FlushOnDrop(guard);
        let ended = runtime.block_on(async move {
            let mut main = core::pin::pin!(main);
            tokio::select! {
                biased;
                value = &mut main => {
                    // Runs that nobody waits for, and those whose future was dropped, have their
                    // handlers called.
                    cancel_runs();
                    runs_ended().await;
                    Ok(value)
                }
                Ok(status) = &mut signalled => {
                    cancel_runs();
                    let mut ended = core::pin::pin!(runs_ended());
                    tokio::select! {
                        biased;
                        // What it returns says nothing now: a signal has its own status.
                        _ = &mut main => ended.await,
                        () = &mut ended => {
                            // Its run may just have told it how it ended.
                            tokio::select! {
                                biased;
                                _ = &mut main => {}
                                () = core::future::ready(()) => {}
                            }
                        }
                    }
                    Err(status)
                }
            }
            // `main` is dropped here: the spans that are open in it end as cancelled.
        });
        drop(entered);
        drop(flushing);
        match ended {
            Ok(value) => value,
            Err(status) => process::exit(status),
        }
    }
}

/// Cancels what runs, so that it ends as it would by itself.
fn cancel_runs() {
    #[cfg(feature = "pipeline")]
    crate::pipeline::cancel_all();
}

/// Waits until that has ended, or for as long as a flush may take.
async fn runs_ended() {
    #[cfg(feature = "pipeline")]
    {
        use tokio::time::timeout;
        let mut ended = core::pin::pin!(crate::pipeline::all_ended());
        if timeout(SILENT, &mut ended).await.is_err() {
            let left = DEADLINE.saturating_sub(SILENT);
            let text = format_args!(
                "tasks of pipelines have not stopped yet; waiting for them up to {} s more, and a second \
                 signal ends the program at once",
                left.as_secs()
            );
            self_log::warn_from_host("end", "tasks", text);
            let _ = timeout(left, ended).await;
        }
    }
}

fn runtime(current_thread: bool, workers: Option<usize>) -> std::io::Result<Runtime> {
    let mut builder = if current_thread {
        RuntimeBuilder::new_current_thread()
    } else {
        RuntimeBuilder::new_multi_thread()
    };
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    builder.enable_all().build()
}

/// Switches obs on. A program that cannot be observed still runs, unless the builder is strict.
fn install(builder: Builder) -> Guard {
    let strict = builder.strict;
    let installed = match builder.install() {
        Ok(obs) => Some(obs),
        Err(error) => {
            self_log::warn(
                "main",
                "install",
                format_args!("nothing is recorded: {error}"),
            );
            if strict {
                process::exit(1);
            }
            None
        }
    };
    Arc::new(Mutex::new(installed))
}

/// Flushes at the end of `main`, also if it unwinds: the signals' thread keeps the guard alive then.
struct FlushOnDrop(Guard);

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush(&self.0);
    }
}

/// Sends what was recorded; once, whoever comes first.
fn flush(guard: &Guard) {
    // What went wrong is said by the end itself. Who comes later waits for it.
    let mut place = lock(guard);
    drop(place.take());
}

/// Calls `first` with the exit status on the first signal; the second ends the process.
fn on_signals(first: impl FnOnce(i32) + Send + 'static) {
    let started = RuntimeBuilder::new_current_thread()
        .enable_io()
        .build()
        .and_then(|runtime| {
            let signals = {
                let _entered = runtime.enter();
                Signals::new()?
            };
            thread::Builder::new()
                .name("obs-signals".to_owned())
                .spawn(move || listen(&runtime, signals, first))
        });
    if let Err(error) = started {
        let message = format_args!("Ctrl-C will not flush: {error}");
        self_log::warn("main", "signals", message);
    }
}

fn listen(runtime: &Runtime, mut signals: Signals, first: impl FnOnce(i32) + Send + 'static) {
    let status = runtime.block_on(signals.next());
    let flushing = thread::Builder::new()
        .name("obs-flush".to_owned())
        .spawn(move || first(status));
    if flushing.is_err() {
        process::exit(status);
    }
    let status = runtime.block_on(signals.next());
    // Who asks twice does not want to wait for what the end of the process would send.
    exit::give_up();
    process::exit(status);
}

/// SIGINT and SIGTERM; the status is 128 and the signal's number, as shells report it.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> i32 {
        self.0.recv().await;
        130
    }
}
