//! What `/metrics` says of this process and its runtime, beside what is known of them.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::time::Instant;

use obs_runtime::Observability;
use obs_tests::own_process;
use obs_tests::{http, programs};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The value of the only line that begins so.
fn value(text: &str, series: &str) -> f64 {
    let mut lines = text
        .lines()
        .filter_map(|l| l.strip_prefix(series)?.strip_prefix(' '));
    let value = lines
        .next()
        .unwrap_or_else(|| panic!("no {series} in\n{text}"));
    assert!(lines.next().is_none(), "{series} twice in\n{text}");
    value.parse().expect("a number")
}

fn page(obs: &Observability) -> Result<String> {
    let addr = obs.prometheus_addr().ok_or("no endpoint")?;
    Ok(http::get(addr.port(), "/metrics", "")?.body)
}

// One test: the process has nothing else to do meanwhile.
#[test]
fn the_process_and_its_runtime_are_among_the_metrics() -> Result {
    own_process!();
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .build()?;
    let entered = runtime.enter();
    let obs = Observability::builder()
        .service_name("process")
        .process_metrics(true)
        .tokio_metrics(true)
        .prometheus(([127, 0, 0, 1], 0))
        .strict(true)
        .install()?;
    drop(entered);
    let known = began.elapsed().as_secs_f64();
    let first = page(&obs)?;
    if let Some(output) = programs::promtool_check_metrics("process_metrics", &first) {
        // The convention's names end so; everything else is as Prometheus wants it.
        let lines = String::from_utf8_lossy(&output.stderr);
        let strange: Vec<_> = lines
            .lines()
            .filter(|l| !l.ends_with(r#""_count" suffix"#))
            .collect();
        assert!(strange.is_empty(), "{strange:?}");
    }
    assert!(first.contains("\ntokio_worker_count 3\n"), "{first}");
    let uptime = value(&first, "process_uptime_seconds");
    // In seconds, and no test takes an hour. A clock of hundredths may be late by one.
    assert!((known - 0.02..3600.0).contains(&uptime), "{uptime} {known}");

    let descriptors = |text: &str| value(text, "process_unix_file_descriptor_count");
    let files: Vec<File> = (0..100)
        .map(|_| File::open("/proc/self/stat"))
        .collect::<std::result::Result<_, _>>()?;
    let second = page(&obs)?;
    let more = descriptors(&second) - descriptors(&first);
    // The scrape has connections of its own.
    assert!((95.0..=105.0).contains(&more), "{more}");
    drop(files);

    let threads = |text: &str| value(text, "process_thread_count");
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let wait = std::sync::Arc::clone(&wait);
            std::thread::spawn(move || wait.lock().map(|w| w.recv().is_ok()).is_ok())
        })
        .collect();
    // The server starts a thread for a collection, and ends it when it is idle.
    let third = page(&obs)?;
    assert!(
        threads(&third) - threads(&second) >= 16.0,
        "{second}\n{third}"
    );
    drop(end);
    assert!(waiting.into_iter().all(|t| t.join().is_ok()));

    // Pages of memory count once they are written to; what was read stays read.
    let memory = |text: &str| value(text, "process_memory_usage_bytes");
    let size = 64 << 20;
    let written = std::hint::black_box(vec![1_u8; size]);
    let fourth = page(&obs)?;
    let grown = memory(&fourth) - memory(&third);
    assert!(grown > 0.9 * size as f64, "{grown}");
    assert!(value(&fourth, "process_memory_virtual_bytes") >= memory(&fourth));
    drop(written);
    let faults = r#"process_paging_faults_total{system_paging_fault_type="minor"}"#;
    assert!(value(&fourth, faults) > value(&third, faults));

    // CPU time grows until it is seen to.
    let cpu = r#"process_cpu_time_seconds_total{cpu_mode="user"}"#;
    let before = value(&fourth, cpu);
    while value(&page(&obs)?, cpu) < before + 0.05 {
        std::hint::black_box((0..1_000_000_u64).fold(0, |a, b| a ^ b.wrapping_mul(a | 1)));
    }
    obs.shutdown()?;

    // Outside of a runtime there is nothing to measure, which is said.
    let obs = Observability::builder().tokio_metrics(true).install()?;
    let problems = obs.health().problems;
    assert!(
        problems.len() == 1 && problems[0].contains("TokioMetrics::new"),
        "{problems:?}"
    );
    obs.shutdown()?;
    assert!(
        Observability::builder()
            .tokio_metrics(true)
            .strict(true)
            .install()
            .is_err()
    );
    Ok(())
}
