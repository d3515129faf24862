//! Programs that end in one way or another, for `tests/delivery/`. The environment says where data goes.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::cell::RefCell;
use std::io::BufRead as _;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use obs_runtime::{Error, Level, Observability, counter, traced};
use opentelemetry::metrics::MeterProvider as _;

#[traced]
fn work() {}

#[traced(fields(n))]
fn step(n: u64) {
    std::hint::black_box(n);
}

fn install() -> Result<Observability, Error> {
    Observability::builder().service_name("delivery").install()
}

/// Records when its thread ends.
struct AtThreadEnd;

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        work();
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
}

/// Ten spans and a flush for each line of input; says how many spans are safe and how many wait on disk.
fn steps(first: u64) -> Result<(), Error> {
    let obs = install()?;
    let mut n = first;
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        for _ in 0..10 {
            step(n);
            n += 1;
        }
        // A request that the process before was killed in writing is told of once: it was never safe.
        let safe = obs.force_flush().is_ok() || obs.force_flush().is_ok();
        let exporter = &obs.stats().spans.exporters[0];
        if safe {
            println!("{n} {}", exporter.spooled + exporter.in_flight);
        }
    }
    obs.shutdown()
}

/// Waits for a child and fails with it.
#[cfg(unix)]
fn wait_for(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: waits for a child of this process; `status` lives until the call returns.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "a child failed");
}

/// A child that records nothing at first, then installs obs and ends like any program. A call that began
/// before the fork ends on both sides.
#[cfg(unix)]
fn fork() -> Result<(), Error> {
    let obs = install()?;
    work();
    forks(&obs)
}

#[cfg(unix)]
#[traced]
fn forks(obs: &Observability) -> Result<(), Error> {
    // SAFETY: both sides go on as programs of one thread would; the child uses no lock of its parent's
    // threads.
    match unsafe { libc::fork() } {
        0 => {
            // The parent's handle changes nothing here, before and after the child's own `install`.
            obs.set_max_level(Some(Level::Info));
            step(1);
            obs.force_flush()?;
            assert_eq!(obs.stats().spans.recorded, 0);
            assert!(obs.collect_metrics().is_empty());
            assert_eq!(obs.health().problems.len(), 1);
            assert!(Observability::current().is_none());
            let own = install()?;
            obs.set_max_level(None);
            step(2);
            own.force_flush()?;
            assert_eq!(own.stats().spans.recorded, 1);
            // It ends with the process, after the call that both sides are in.
            std::mem::forget(own);
        }
        child => {
            wait_for(child);
            work();
        }
    }
    Ok(())
}

/// Children of a program whose other threads record all the time; they end by `exit`, their guard not dropped.
#[cfg(unix)]
fn fork_often() -> Result<(), Error> {
    let obs = install()?;
    std::thread::scope(|threads| {
        for thread in 0..2 {
            threads.spawn(move || (0..20_000).for_each(|n| step(thread * 20_000 + n)));
        }
        for child in 0..10 {
            // SAFETY: as in `fork`.
            match unsafe { libc::fork() } {
                0 => {
                    std::mem::forget(install().expect("the child's own"));
                    (0..10).for_each(|n| step(100_000 + child * 10 + n));
                    process::exit(0);
                }
                child => wait_for(child),
            }
        }
    });
    obs.shutdown()
}

#[cfg(unix)]
#[traced]
fn refuse() -> Result<(), String> {
    Err("refused".to_owned())
}

/// Where events of `tracing` go.
#[cfg(unix)]
fn listen() {
    use tracing_subscriber::prelude::*;

    let subscriber = tracing_subscriber::registry().with(obs_runtime::interop::tracing::layer());
    tracing::subscriber::set_global_default(subscriber).expect("the first");
}

/// A child with every signal, of a program that keeps traces with errors.
#[cfg(unix)]
fn fork_all() -> Result<(), Error> {
    use obs_runtime::TailSampling;

    let install = || {
        Observability::builder()
            .service_name("delivery")
            .tail_sampling(TailSampling::new().keep_errors())
            .install()
    };
    listen();
    let obs = install()?;
    work();
    tracing::warn!("the parent says");
    // SAFETY: as in `fork`.
    match unsafe { libc::fork() } {
        0 => {
            tracing::warn!("nobody hears it");
            let own = install()?;
            tracing::warn!("the child says");
            (0..3).for_each(step);
            let _ = refuse();
            own.force_flush()?;
            let stats = own.stats();
            assert_eq!((stats.spans.recorded, stats.spans.sampled_out), (4, 3));
            assert_eq!((stats.logs.recorded, stats.logs.lost), (2, 0));
            assert!(!stats.metrics.is_empty());
            drop(own);
        }
        child => {
            wait_for(child);
            work();
            obs.shutdown()?;
        }
    }
    Ok(())
}

/// Children of a program whose other threads record and log all the time; each says one thing and exits.
#[cfg(unix)]
fn fork_logging() -> Result<(), Error> {
    listen();
    let obs = install()?;
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for n in 0..5_000 {
                    step(n);
                    tracing::info!(n, "busy");
                }
            });
        }
        for child in 0..10 {
            // SAFETY: as in `fork`.
            match unsafe { libc::fork() } {
                0 => {
                    std::mem::forget(install().expect("the child's own"));
                    tracing::warn!("child {child} says");
                    process::exit(0);
                }
                child => wait_for(child),
            }
        }
    });
    obs.shutdown()
}

/// Children of a program whose other threads make metrics and series all the time: they count as they like, and end.
#[cfg(unix)]
fn fork_counting() -> Result<(), Error> {
    let obs = install()?;
    let done = AtomicBool::new(false);
    let children = std::thread::scope(|threads| {
        for thread in 0..2 {
            let (metrics, done) = (obs.metrics(), &done);
            threads.spawn(move || {
                for n in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("parent.{thread}.{}", n % 100);
                    if n % 500 == 0 {
                        metrics.remove(&name);
                    }
                    let rows = metrics.counter(name).labels(["n"]).build();
                    rows.and_then(|rows| rows.with([n.to_string()]))
                        .expect("a counter")
                        .inc();
                    // Threads come and go: each has cells.
                    std::thread::spawn(|| counter!("threads").inc())
                        .join()
                        .expect("no panic");
                }
            });
        }
        // So do meters of OpenTelemetry's API.
        let (provider, is_done) = (obs.meter_provider(), &done);
        let meter = provider.meter("parent");
        let (theirs, own) = (provider.clone(), meter.clone());
        threads.spawn(move || {
            while !is_done.load(Ordering::Relaxed) {
                theirs
                    .meter("parent")
                    .u64_counter("theirs")
                    .build()
                    .add(1, &[]);
                own.f64_histogram("theirs").build().record(1.0, &[]);
            }
        });
        // Somebody collects all the time.
        let (obs, is_done) = (&obs, &done);
        threads.spawn(move || {
            while !is_done.load(Ordering::Relaxed) {
                let _ = obs.collect_metrics();
                let _ = obs.metrics().export();
            }
        });
        let mut children = Vec::new();
        for _ in 0..50 {
            // SAFETY: as in `fork`.
            match unsafe { libc::fork() } {
                0 => {
                    // A child that hangs is ended, and has failed.
                    // SAFETY: sets a timer of this process.
                    unsafe { libc::alarm(30) };
                    for n in 0..100 {
                        // Metrics of the parent take it, for nobody.
                        provider
                            .meter("child")
                            .u64_counter("theirs")
                            .build()
                            .add(1, &[]);
                        meter.u64_counter("theirs").build().add(1, &[]);
                        let name = format!("parent.{}.{}", n % 2, n % 100);
                        if let Ok(rows) = obs.metrics().counter(name).labels(["n"]).build() {
                            let _ = rows.with([format!("child {n}")]).map(|rows| rows.inc());
                            let _ = rows.value();
                        }
                        counter!("children").inc();
                    }
                    let counts = || counter!("threads").inc();
                    std::thread::spawn(counts).join().expect("no panic");
                    let _ = (obs.collect_metrics(), obs.metrics().export());
                    let own = install().expect("the child's own");
                    counter!("children").add(3);
                    let of_parent = obs.metrics().counter("children").build();
                    of_parent.expect("a counter of nobody").add(5);
                    let children = own.metrics().counter("children").build();
                    assert!((children.expect("a counter").value() - 3.0).abs() < 0.1);
                    std::mem::forget(own);
                    process::exit(0);
                }
                child => children.push(child),
            }
        }
        done.store(true, Ordering::Relaxed);
        children
    });
    children.into_iter().for_each(wait_for);
    obs.shutdown()
}

fn in_runtime(mut builder: tokio::runtime::Builder) -> Result<(), Error> {
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let obs = install()?;
        work();
        obs.force_flush()?;
        tokio::spawn(async { work() }).await.expect("no panic");
        drop(obs);
        Ok(())
    })
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    match args.next().unwrap_or_default().as_str() {
        "drop" => {
            let _obs = install()?;
            work();
        }
        "exit" => {
            let _obs = install()?;
            work();
            process::exit(3);
        }
        "exit-elsewhere" => {
            let _obs = install()?;
            work();
            // Nobody joins it: it ends the process, and this thread with it.
            std::thread::spawn(|| process::exit(3));
            loop {
                std::thread::park();
            }
        }
        "forget" => {
            std::mem::forget(install()?);
            work();
        }
        "twice" => {
            let first = install()?;
            work();
            drop(first);
            let _second = install()?;
            work();
        }
        "panic" => {
            let _obs = install()?;
            work();
            panic!("the end");
        }
        "panic-aborts" => {
            std::panic::set_hook(Box::new(|_| process::abort()));
            let _obs = Observability::builder().flush_on_panic(true).install()?;
            work();
            panic!("the end");
        }
        "thread-end" => {
            let _obs = install()?;
            let thread = std::thread::spawn(|| {
                AT_END.set(Some(AtThreadEnd));
                work();
            });
            thread.join().expect("no panic");
        }
        "current-thread" => in_runtime(tokio::runtime::Builder::new_current_thread())?,
        "multi-thread" => in_runtime(tokio::runtime::Builder::new_multi_thread())?,
        #[cfg(unix)]
        "fork" => fork()?,
        #[cfg(unix)]
        "fork-often" => fork_often()?,
        #[cfg(unix)]
        "fork-all" => fork_all()?,
        #[cfg(unix)]
        "fork-logging" => fork_logging()?,
        #[cfg(unix)]
        "fork-counting" => fork_counting()?,
        "steps" => {
            let first = args.next().and_then(|n| n.parse().ok());
            steps(first.unwrap_or_default())?;
        }
        other => panic!("{other:?} is none of this program's endings"),
    }
    Ok(())
}
