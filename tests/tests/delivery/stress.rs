//! Many threads record while the receiver misbehaves in every way: the account is exact at every moment, and what
//! it says was exported is what arrived.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use obs_runtime::exporter::otlp::OtlpConfig;
use obs_runtime::{
    Observability,
    stats::{DropReason, Stats},
    traced,
};
use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::own_process;

const THREADS: u64 = 4;
const SPANS: u64 = 15_000;

#[traced(fields(n))]
fn step(n: u64) {
    std::hint::black_box(n);
}

/// Checks what holds at every moment.
fn check(stats: &Stats, before: &Stats) {
    let spans = &stats.spans;
    let exporter = &spans.exporters[0];
    assert_eq!(
        spans.recorded,
        spans.lost + exporter.taken - exporter.recovered,
        "{stats:?}"
    );
    let outcomes = exporter.exported + exporter.dropped_total() + exporter.spooled;
    assert_eq!(exporter.taken, outcomes + exporter.in_flight, "{stats:?}");
    if let Some(before) = before.spans.exporters.first() {
        assert!(exporter.taken >= before.taken, "{stats:?}");
        assert!(exporter.exported >= before.exported, "{stats:?}");
        assert!(
            exporter.dropped_total() >= before.dropped_total(),
            "{stats:?}"
        );
    }
}

const BAD: [Mode; 7] = [
    Mode::Busy,
    Mode::Partial,
    Mode::HangUp,
    Mode::Garbage,
    Mode::Refuse,
    Mode::Hang,
    Mode::Unavailable,
];

/// `bad` is what the receiver does while the threads record.
fn run(receiver: OtlpReceiver, bad: &[Mode], spool: Option<&Path>) -> (Stats, OtlpReceiver) {
    let mut config = OtlpConfig::new(receiver.url());
    if !receiver.certificate().is_empty() {
        let name = format!("obs-stress-{}.pem", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, receiver.certificate()).unwrap();
        config = config.certificate(file.to_str().unwrap());
    }
    if let Some(directory) = spool {
        config = config.spool(directory);
    }
    let builder = Observability::builder().service_name("stress");
    let obs = builder.otlp_with(config).install().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            threads.spawn(move || {
                for n in 0..SPANS {
                    step(thread * SPANS + n);
                    if n % 100 == 0 {
                        std::thread::yield_now();
                    }
                }
            });
        }
        // Looks all the time.
        let watching = threads.spawn(|| {
            let mut before = Stats::default();
            let mut looks = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let stats = obs.stats();
                check(&stats, &before);
                before = stats;
                looks += 1;
            }
            looks
        });
        for mode in bad {
            let mode = *mode;
            receiver.set(mode);
            let taken = obs.stats().spans.exporters[0].taken;
            for n in 0..500 {
                step(THREADS * SPANS + taken + n);
            }
            // Hands them over; each mode meets at least one request.
            obs.stats();
            receiver.wait_until_asked();
        }
        receiver.set(Mode::Accept);
        while obs.stats().spans.exporters[0].spooled > 0
            || obs.force_flush().is_err_and(|e| e.is_timeout())
        {
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
        assert!(watching.join().unwrap() > 10);
    });
    // Losses are reported; here they are looked for in the account.
    let _ = obs.force_flush();
    let stats = obs.stats();
    let _ = obs.shutdown();
    (stats, receiver)
}

/// What holds after recovery.
fn settled(stats: &Stats, receiver: &OtlpReceiver, bad: &[Mode]) {
    let exporter = &stats.spans.exporters[0];
    let recorded = THREADS * SPANS + bad.len() as u64 * 500;
    assert_eq!(stats.spans.recorded, recorded);
    assert_eq!((exporter.in_flight, exporter.spooled), (0, 0), "{stats:?}");
    let arrived = receiver.spans();
    assert_eq!(arrived.len() as u64, exporter.exported, "{stats:?}");
    let ids: HashSet<_> = arrived.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), arrived.len(), "some arrived twice");
    // With retries nothing else was a reason to lose anything.
    let reasons: Vec<_> = exporter.dropped.iter().map(|(reason, _)| *reason).collect();
    assert!(
        reasons.iter().all(|r| *r == DropReason::Rejected),
        "{stats:?}"
    );
}

#[test]
fn the_account_is_exact_at_every_moment_and_agrees_with_the_receiver() {
    own_process!();
    let directory = std::env::temp_dir().join(format!("obs-stress-{}", std::process::id()));
    for spool in [None, Some(&*directory)] {
        let (stats, receiver) = run(OtlpReceiver::start(Mode::Accept), &BAD, spool);
        settled(&stats, &receiver, &BAD);
        // The same behind TLS, that breaks as well.
        let broken = [
            Mode::BrokenTls,
            Mode::HangUp,
            Mode::BrokenTls,
            Mode::Garbage,
        ];
        let (stats, receiver) = run(OtlpReceiver::start_tls(Mode::Accept), &broken, spool);
        settled(&stats, &receiver, &broken);
        assert_eq!(stats.dropped(), [], "all of it has arrived");
    }
    let _ = std::fs::remove_dir_all(&directory);
    let file = directory.with_extension("pem");
    let _ = std::fs::remove_file(file);
}
