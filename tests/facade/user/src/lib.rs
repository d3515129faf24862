//! Every macro of obs, in a crate that does not depend on obs itself.

#[cfg(test)]
mod tests {
    use obs_tests_facade::obs;
    use obs_tests_facade::obs::metrics::MetricsCollector;
    use obs_tests_facade::obs::prelude::*;

    #[derive(Label)]
    #[label(crate = obs_tests_facade::obs)]
    enum Region {
        Eu,
    }

    #[traced(crate = obs, fields(n), labels(region = Region::Eu))]
    fn annotated(n: u8) -> u8 {
        n
    }

    // bug: the macros that are no attributes looked for `::obs_runtime`.
    #[test]
    fn a_facade_serves_every_macro() {
        let captured = obs::testing::capture(|| {
            let region = Region::Eu;
            counter!("facade.orders", region = region, kind = "web").inc();
            obs::gauge!("facade.queued").set(2.0);
            histogram!("facade.seconds", region = region).observe(0.5);
            obs_tests_facade::obs::span!("step", n = 1, text = ?Some(2)).in_scope(|_| annotated(3));
            let name = "named at run time".to_owned();
            span!(&name).in_scope(|_| ());
        });
        let names: Vec<_> = captured.spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["annotated", "step", "named at run time"]);
        for name in ["facade.orders", "facade.queued", "facade.seconds"] {
            assert!(captured.metrics.iter().any(|m| m.name == name), "{name}");
        }
        let sizes = MetricsCollector::new()
            .histogram("sizes")
            .buckets(obs::buckets![1.0, 2.0])
            .build();
        assert!(sizes.is_ok());
    }
}
