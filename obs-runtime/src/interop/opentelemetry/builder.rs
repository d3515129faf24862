//! Exporters of OpenTelemetry's SDK, and its globals, as parts of an `Observability`.

use ::opentelemetry::global;
use opentelemetry_sdk::trace::SpanExporter;

use super::exporter::adapt;
use super::{MeterProvider, Propagator, TracerProvider, probe};
use crate::Error;
use crate::exporter::RecordExporter;
use crate::exporter::builder::start_records;
use crate::init::Builder;
use crate::init::component::{Component, Startup};
use crate::lock::lock;
use crate::scope::Scope;

/// What the program hands over, and whether obs is to be the global provider.
#[derive(Default)]
pub(crate) struct OpenTelemetry {
    is_global: bool,
    exporters: Vec<Box<dyn RecordExporter>>,
}

impl Component for OpenTelemetry {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let exporters = self.exporters.drain(..);
        exporters
            .into_iter()
            .try_for_each(|exporter| start_records("opentelemetry", exporter, startup))
    }

    fn started(&mut self, scope: &Scope) {
        if self.is_global {
            global::set_meter_provider(MeterProvider::of(scope));
            global::set_tracer_provider(TracerProvider::new());
            global::set_text_map_propagator(Propagator::of_environment());
            lock(&scope.checks).push(probe::problems);
        }
    }
}

impl Builder {
    /// Hands finished spans to an exporter of OpenTelemetry's SDK, with the resource, in batches, from a thread of
    /// obs. A batch may take ten seconds; what fails is counted ([`Observability::stats`](crate::Handle::stats)) and not tried again.
    ///
    /// An exporter that needs a runtime, such as that of `opentelemetry-otlp` over gRPC, is to be made inside of
    /// one, as for the SDK. For OTLP obs has its own: [`Builder::otlp`].
    ///
    /// ```
    /// use obs_runtime::Observability;
    /// # fn exporter() -> impl opentelemetry_sdk::trace::SpanExporter + 'static {
    /// #     #[derive(Debug)]
    /// #     struct Null;
    /// #     impl opentelemetry_sdk::trace::SpanExporter for Null {
    /// #         async fn export(
    /// #             &self,
    /// #             _: Vec<opentelemetry_sdk::trace::SpanData>,
    /// #         ) -> opentelemetry_sdk::error::OTelSdkResult {
    /// #             Ok(())
    /// #         }
    /// #     }
    /// #     Null
    /// # }
    ///
    /// let obs = Observability::builder().span_exporter(exporter()).install()?;
    /// # Ok::<(), obs_runtime::Error>(())
    /// ```
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        let component = self.component::<OpenTelemetry>();
        component.exporters.push(adapt(exporter));
        self
    }

    /// Makes obs the global tracer provider, meter provider and propagator of OpenTelemetry, so that what libraries
    /// do through its API is in the traces and among the metrics of obs, and requests that they send name the spans
    /// of obs.
    ///
    /// What a program sets later replaces them; [`Observability::health`](crate::Handle::health) tells. Without this, see
    /// [`opentelemetry`](crate::interop::opentelemetry).
    pub fn opentelemetry(mut self, global: bool) -> Self {
        self.component::<OpenTelemetry>().is_global = global;
        self
    }
}
