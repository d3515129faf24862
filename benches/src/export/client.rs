//! The child process: makes spans, sends them, says what that cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{fastrace_client, obs_client, opentelemetry_client};

/// The clients.
pub const NAMES: &[&str] = &[
    "obs-http",
    "obs-grpc",
    "opentelemetry-http",
    "opentelemetry-grpc",
    "fastrace-http",
];

/// Spans in one trace: a root and nine children with two attributes each.
pub const SPANS: u64 = 10;

/// How much to make.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Spans per second of all producers together; 0 for as many as possible.
    pub rate: u64,
    /// Producer threads.
    pub producers: usize,
    /// For how long.
    pub duration: Duration,
}

/// A client that has been set up: what makes one trace, and what sends the rest at the end.
pub struct Client {
    /// Makes one trace of [`SPANS`] spans.
    pub trace: fn(u64),
    /// Sends what is left and waits for it.
    pub finish: Box<dyn FnOnce()>,
}

/// `CLIENT URL RATE PRODUCERS SECONDS`
pub fn main(args: &[String]) -> Result<(), String> {
    let [name, url, rate, producers, seconds] = args else {
        return Err("--client CLIENT URL RATE PRODUCERS SECONDS".into());
    };
    let bad = |e: &dyn std::fmt::Display| e.to_string();
    let load = Load {
        rate: rate.parse().map_err(|e| bad(&e))?,
        producers: producers.parse().map_err(|e| bad(&e))?,
        duration: Duration::from_secs_f64(seconds.parse().map_err(|e| bad(&e))?),
    };
    // What ran before `main` is none of the client's: fastrace's clock alone is calibrated for 25 ms in every
    // program that it is linked into.
    let before = cpu_micros()?;
    let client = match name.as_str() {
        "obs-http" => obs_client::http(url)?,
        "obs-grpc" => obs_client::grpc(url)?,
        "opentelemetry-http" => opentelemetry_client::http(url)?,
        "opentelemetry-grpc" => opentelemetry_client::grpc(url)?,
        "fastrace-http" => fastrace_client::http(url)?,
        other => return Err(format!("no client {other:?}")),
    };
    let start = Instant::now();
    let produced = produce(client.trace, load);
    (client.finish)();
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_micros()? - before;
    println!("{produced} {cpu} {} {seconds}", peak_mib()?);
    Ok(())
}

fn produce(trace: fn(u64), load: Load) -> u64 {
    let produced = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..load.producers)
        .map(|_| {
            let (produced, stop) = (produced.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut traces = 0;
                let start = Instant::now();
                let share = load.rate as f64 / load.producers as f64 / SPANS as f64;
                while !stop.load(Ordering::Relaxed) {
                    // What is due by now, in portions of 10 ms, so that waking up costs little and
                    // a portion of 1,000 spans fits every peer's queue; a flood is always due.
                    let due = if load.rate == 0 {
                        traces + 100
                    } else {
                        (start.elapsed().as_secs_f64() * share) as u64
                    };
                    while traces < due {
                        trace(traces);
                        traces += 1;
                    }
                    if load.rate > 0 {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
                produced.fetch_add(traces * SPANS, Ordering::Relaxed);
            })
        })
        .collect();
    std::thread::sleep(load.duration);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        let _ = thread.join();
    }
    produced.load(Ordering::Relaxed)
}

/// User and system time of all threads of this process so far.
fn cpu_micros() -> Result<u64, String> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole rusage, which getrusage fills.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return Err("getrusage failed".into());
        }
        usage.assume_init()
    };
    let micros = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    Ok(micros(usage.ru_utime) + micros(usage.ru_stime))
}

fn peak_mib() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    status
        .lines()
        .find_map(|l| {
            l.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse::<u64>()
                .ok()
        })
        .map(|kib| kib.div_ceil(1024))
        .ok_or_else(|| "no VmHWM in /proc/self/status".into())
}
