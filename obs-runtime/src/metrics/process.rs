//! The metrics of the process, as the operating system knows them.
//!
//! Linux shows them in a few small text files below `/proc`: reading them takes no dependency and
//! no unsafe code. Other systems want calls into C libraries for each number.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::snapshot::{Labels, MetricData, MetricFamily, MetricSource, Number};
use super::source::{point, push};
use crate::semconv::{attribute, metric};

/// The unit of times in `/proc/self/stat`: the kernel's `USER_HZ`, which is 100 on every
/// architecture that Rust has (proc_pid_stat(5) says how to ask, the answer never varies).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time, memory, threads, file descriptors, page faults and the age of this process, read when
/// metrics are collected: [`Builder::process_metrics`](crate::Builder::process_metrics), or a
/// source by itself.
///
/// The names are OpenTelemetry's ("Semantic conventions for OS process metrics", in development):
///
/// | metric | on `/metrics` |
/// |---|---|
/// | `process.cpu.time` (s) by `cpu.mode` | `process_cpu_time_seconds_total{cpu_mode="user"}`, `"system"` |
/// | `process.memory.usage` (bytes): in physical memory | `process_memory_usage_bytes` |
/// | `process.memory.virtual` (bytes) | `process_memory_virtual_bytes` |
/// | `process.paging.faults` by `system.paging.fault.type` | `process_paging_faults_total{system_paging_fault_type="major"}`, `"minor"` |
/// | `process.thread.count` | `process_thread_count` |
/// | `process.unix.file_descriptor.count` | `process_unix_file_descriptor_count` |
/// | `process.uptime` (s) | `process_uptime_seconds` |
///
/// They are for Linux: elsewhere there are none. What cannot be read is left out.
///
/// ```
/// use obs_runtime::metrics::{MetricSource, ProcessMetrics};
///
/// let mut families = Vec::new();
/// ProcessMetrics::new().collect(&mut families);
/// # #[cfg(target_os = "linux")]
/// assert!(families.iter().any(|family| family.name == "process.cpu.time"));
/// ```
#[derive(Clone, Debug)]
pub struct ProcessMetrics {
    /// When the process began.
    start_unix_nanos: u64,
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ProcessMetrics {
    /// Creates a source that reads this process's metrics from `/proc`.
    pub fn new() -> Self {
        let age = read("stat").and_then(|text| uptime(&Stat::parse(&text)?));
        let age = Duration::try_from_secs_f64(age.unwrap_or_default()).unwrap_or_default();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let born = since.unwrap_or_default().saturating_sub(age);
        Self {
            start_unix_nanos: born.as_nanos() as u64,
        }
    }
}

impl MetricSource for ProcessMetrics {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let start = self.start_unix_nanos;
        let alone = |value: Option<Number>| {
            let value = value.map(|value| point(Labels::new(), start, value));
            value.into_iter().collect::<Vec<_>>()
        };
        let stat = read("stat").and_then(|text| Stat::parse(&text));
        let status = read("status").unwrap_or_default();
        if let Some(stat) = &stat {
            let by = |key: &'static str, a: (&'static str, Number), b: (&'static str, Number)| {
                [a, b].map(|(mode, value)| {
                    let labels = Labels::from([(key, mode)]);
                    point(labels, start, value)
                })
            };
            let seconds = |ticks: u64| Number::F64(ticks as f64 / TICKS_PER_SECOND);
            let times = by(
                attribute::CPU_MODE,
                ("system", seconds(stat.system_ticks)),
                ("user", seconds(stat.user_ticks)),
            );
            push(
                out,
                &metric::PROCESS_CPU_TIME,
                MetricData::Counter,
                times.into(),
            );
            let faults = by(
                attribute::SYSTEM_PAGING_FAULT_TYPE,
                ("major", Number::U64(stat.major_faults)),
                ("minor", Number::U64(stat.minor_faults)),
            );
            push(
                out,
                &metric::PROCESS_PAGING_FAULTS,
                MetricData::Counter,
                faults.into(),
            );
        }
        let bytes = |name| field(&status, name).map(|kib| Number::U64(kib.saturating_mul(1024)));
        for (def, value) in [
            (&metric::PROCESS_MEMORY_USAGE, bytes("VmRSS")),
            (&metric::PROCESS_MEMORY_VIRTUAL, bytes("VmSize")),
            (
                &metric::PROCESS_THREAD_COUNT,
                field(&status, "Threads").map(Number::U64),
            ),
            (
                &metric::PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
                descriptors().map(Number::U64),
            ),
        ] {
            push(out, def, MetricData::UpDownCounter, alone(value));
        }
        let age = stat.as_ref().and_then(uptime).map(Number::F64);
        push(out, &metric::PROCESS_UPTIME, MetricData::Gauge, alone(age));
    }
}

/// Reads a file of `/proc/self`; none where there is no such thing.
fn read(name: &str) -> Option<String> {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return None;
    }
    let bytes = std::fs::read(format!("/proc/self/{name}")).ok()?;
    // The name of the program may be anything.
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is used of `/proc/self/stat` (proc_pid_stat(5)).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    minor_faults: u64,
    major_faults: u64,
    user_ticks: u64,
    system_ticks: u64,
    /// After the machine was started.
    start_ticks: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The program's name stands in brackets, and may have brackets and spaces of its own.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first one after the name is the manual page's third.
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Self {
            minor_faults: field(10)?,
            major_faults: field(12)?,
            user_ticks: field(14)?,
            system_ticks: field(15)?,
            start_ticks: field(22)?,
        })
    }
}

/// Reads a number of `/proc/self/status`: `VmRSS:     1234 kB`.
fn field(status: &str, name: &str) -> Option<u64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

/// Returns the seconds since the process began; none where the machine's age is not that of its
/// clock of processes, as in some containers.
fn uptime(stat: &Stat) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    age(&text, stat)
}

fn age(uptime: &str, stat: &Stat) -> Option<f64> {
    let machine: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    let age = machine - stat.start_ticks as f64 / TICKS_PER_SECOND;
    // One tick may be rounded either way.
    (age > -0.05).then(|| age.max(0.0))
}

fn descriptors() -> Option<u64> {
    let folder = "/proc/self/fd";
    // Since Linux 6.2 the folder's size is their number.
    match std::fs::metadata(folder).ok()?.len() {
        // Reading the folder takes one.
        0 => Some((std::fs::read_dir(folder).ok()?.count() as u64).saturating_sub(1)),
        number => Some(number),
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
