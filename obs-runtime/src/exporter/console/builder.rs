//! What goes to standard error: traces if the program or the environment says so, logs and metrics if the environment
//! does.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use super::logs::ConsoleLogs;
use super::metrics::ConsoleMetrics;
use super::sink::ConsoleSink;
use crate::Error;
use crate::exporter::ExportSchedule;
use crate::exporter::builder::start_metrics;
use crate::init::Builder;
use crate::init::component::{Component, Environment, Startup, Unconfigured};
use crate::terminal::{Stream, colour, columns};

/// What is printed.
#[derive(Default)]
pub(crate) struct Console {
    traces: Option<bool>,
    logs: bool,
    /// How often, if they are.
    metrics: Option<Duration>,
}

impl Component for Console {
    fn resolve(&mut self, env: &mut Environment<'_>) {
        self.traces = self.traces.or(env.selection.traces.has("console"));
        self.logs = env.selection.logs.has("console").unwrap_or(false);
        if env.selection.metrics.has("console") == Some(true) {
            let interval = env.vars.get("OTEL_METRIC_EXPORT_INTERVAL");
            self.metrics = Some(interval.unwrap_or(Duration::from_secs(60)));
        }
    }

    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        if self.traces == Some(true) {
            start_traces(startup);
        }
        if self.logs {
            let sink = ConsoleLogs::new(Box::new(stderr()), colour(Stream::Stderr));
            startup.log_sinks.push(Box::new(sink));
        }
        if let Some(interval) = self.metrics {
            let schedule = ExportSchedule::new().interval(interval).jitter(0.0);
            let exporter = ConsoleMetrics::new(stderr());
            start_metrics(Box::new(exporter), schedule, startup)?;
        }
        Ok(())
    }

    fn unconfigured(&mut self, startup: &mut Startup) -> Unconfigured {
        if self.traces.is_some() {
            // The program wants no trees, and knows it.
            Unconfigured::Settled
        } else if stderr().is_terminal() {
            start_traces(startup);
            Unconfigured::Settled
        } else {
            Unconfigured::Hint("OTEL_TRACES_EXPORTER=console shows it on standard error")
        }
    }
}

fn start_traces(startup: &mut Startup) {
    let sink = ConsoleSink::new(Box::new(stderr()), colour(Stream::Stderr), || {
        columns(Stream::Stderr)
    });
    startup.span_sinks.push(Box::new(sink));
}

impl Builder {
    /// Prints each finished trace as a tree on standard error. Default: whether `OTEL_TRACES_EXPORTER` names
    /// `console`. Under [`#[obs_runtime::main]`](crate::main) also when nothing at all is configured and
    /// standard error is a terminal; `console(false)` prevents that.
    ///
    /// `OTEL_LOGS_EXPORTER=console` prints log records as lines, `OTEL_METRICS_EXPORTER=console` metrics as tables every
    /// minute (`OTEL_METRIC_EXPORT_INTERVAL`) and at the end.
    pub fn console(mut self, console: bool) -> Self {
        self.component::<Console>().traces = Some(console);
        self
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
