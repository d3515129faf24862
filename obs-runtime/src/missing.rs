//! Methods whose feature is off: a call of one says which feature to enable.
//!
//! The compiler says so of types and modules that a feature hides, but not of methods.

/// Defines, for a feature that is off, its methods with a bound that nothing fulfils.
///
/// The bound is on a reference, because the compiler checks one without a lifetime or a type parameter
/// at the definition already.
macro_rules! missing {
    (
        $feature:literal, $message:literal:
        $(Builder: $($of_builder:ident ( $($arg:ident),* )),+;)?
        $(Handle: $($of_handle:ident ( $($argument:ident),* )),+;)?
    ) => {
        #[cfg(not(feature = $feature))]
        const _: () = {
            #[diagnostic::on_unimplemented(
                message = $message,
                label = "enable the feature for obs-runtime in Cargo.toml"
            )]
            pub trait Feature {}

            $(impl crate::Builder {
                $(
                    #[doc(hidden)]
                    pub fn $of_builder<'a>(self, $($arg: impl Sized),*) -> Self
                    where
                        &'a Self: Feature,
                    {
                        let _ = ($($arg),*);
                        self
                    }
                )+
            })?

            $(impl crate::Handle {
                $(
                    #[doc(hidden)]
                    pub fn $of_handle<'a>(&self, $($argument: impl Sized),*)
                    where
                        &'a Self: Feature,
                    {
                        let _ = ($($argument),*);
                    }
                )+
            })?
        };
    };
}

missing! {
    "console", "`console` needs the feature `console` of obs-runtime":
    Builder: console(on);
}
missing! {
    "otlp", "`otlp` needs the feature `otlp` of obs-runtime":
    Builder: otlp(endpoint), otlp_with(config);
}
missing! {
    "prometheus", "`prometheus` needs the feature `prometheus` of obs-runtime":
    Builder: prometheus(addr), prometheus_with(addr, config);
    Handle: prometheus_addr();
}
missing! {
    "statsd", "`statsd` needs the feature `statsd` of obs-runtime":
    Builder: statsd(addr), statsd_with(config);
}
missing! {
    "process-metrics", "`process_metrics` needs the feature `process-metrics` of obs-runtime":
    Builder: process_metrics(on);
}
missing! {
    "tokio-metrics", "`tokio_metrics` needs the feature `tokio-metrics` of obs-runtime":
    Builder: tokio_metrics(on);
}
missing! {
    "alert", "`alerts` needs the feature `alert` of obs-runtime":
    Builder: alerts(manager);
    Handle: alerts();
}
missing! {
    "llm", "prices and totals of model calls need the feature `llm` of obs-runtime":
    Builder: prices(prices), on_llm_call(listener);
    Handle: llm_totals(), llm_totals_for_trace(trace), set_prices(prices);
}
missing! {
    "opentelemetry", "what works with OpenTelemetry's crates needs the feature `opentelemetry` of obs-runtime":
    Builder: span_exporter(exporter), opentelemetry(global);
    Handle: meter_provider();
}
