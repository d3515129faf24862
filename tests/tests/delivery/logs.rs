//! Log records of a program whose receiver refuses them, and then does not.

use obs_runtime::interop::tracing::layer;
use obs_runtime::metrics::MetricData;
use obs_runtime::{
    Observability,
    stats::{DropReason, Stats},
    traced,
};
use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::own_process;
use tracing::info;
use tracing_subscriber::prelude::*;

#[traced]
fn work(n: u32) -> Result<(), std::num::ParseIntError> {
    info!(n, "working");
    "x".parse::<u32>().map(drop)
}

/// Nothing is lost without a trace: what was recorded is somewhere in the account.
fn account(stats: &Stats) -> (u64, u64, u64) {
    let [exporter] = &stats.logs.exporters[..] else {
        panic!("{stats:?}")
    };
    assert_eq!(
        stats.logs.recorded,
        stats.logs.lost + exporter.taken,
        "{stats:?}"
    );
    let settled = exporter.exported + exporter.dropped_total() + exporter.in_flight;
    assert_eq!(exporter.taken, settled, "{stats:?}");
    (
        stats.logs.recorded,
        exporter.exported,
        exporter.dropped_total(),
    )
}

#[test]
fn every_record_is_accounted_for() {
    own_process!();
    let receiver = OtlpReceiver::start(Mode::Refuse);
    let obs = Observability::builder()
        .service_name("logs")
        .otlp(receiver.url())
        .install()
        .expect("a usable configuration");
    let subscriber = tracing_subscriber::registry().with(layer());
    tracing::subscriber::with_default(subscriber, || {
        for n in 0..10 {
            assert!(work(n).is_err());
        }
        assert!(obs.force_flush().is_err());
        // Ten events and ten errors.
        assert_eq!(account(&obs.stats()), (20, 0, 20));

        receiver.set(Mode::Accept);
        for n in 0..5 {
            assert!(work(n).is_err());
        }
        obs.force_flush().expect("the receiver takes everything");
    });
    let stats = obs.stats();
    assert_eq!(account(&stats), (30, 10, 20));
    let lost = &stats.logs.exporters[0].dropped;
    assert_eq!(*lost, [(DropReason::Rejected, 20)]);
    assert!(stats.to_string().contains("30 log records"), "{stats}");

    let metrics = obs.collect_metrics();
    let recorded = metrics.iter().find(|m| m.name == "obs.logs.recorded");
    let MetricData::Counter(points) = &recorded.expect("the metric").data else {
        panic!("a counter")
    };
    assert!((points[0].value.as_f64() - 30.0).abs() < f64::EPSILON);
    // Once nobody takes them any more, records are not even made.
    obs.shutdown().expect("the receiver is there");
    info!("afterwards");
}
