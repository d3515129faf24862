//! A subscriber for programs that have none.

use core::str::FromStr as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use super::around::around;
use super::format::{Format, lines};
use super::layer::layer;
use crate::Error;
use crate::error::ErrorKind;
use crate::self_log;

/// Sets up `tracing` for the whole program.
///
/// Spans and events of `tracing` become part of the traces of obs, and each event is written as a
/// line on standard error, with trace and span id. `Span::current()` inside an annotated function is
/// the span of that function, as [`around`](super::around) says.
///
/// `OBS_LOG` chooses what is taken: a level, and levels of targets, such as
/// `info,my_crate=debug,hyper=off`. Where it is not set, `RUST_LOG` does, and else it is `info`.
/// Filters by spans and fields, which `EnvFilter` knows, are not. `OBS_LOG_FORMAT` is `pretty` (the
/// default) or `json`. A value that cannot be used is reported on standard error and left out.
///
/// ```
/// # fn main() -> Result<(), obs_runtime::Error> {
/// obs_runtime::interop::tracing::init()?;
/// tracing::info!("ready");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Fails when the program already has a subscriber: add [`layer`](super::layer) to that one.
pub fn init() -> Result<(), Error> {
    let read = |name| std::env::var(name).unwrap_or_default();
    let logs = [("OBS_LOG", read("OBS_LOG")), ("RUST_LOG", read("RUST_LOG"))];
    let (targets, format) = configuration(&logs, &read("OBS_LOG_FORMAT"), |problem| {
        self_log::once(problem);
    });
    let subscriber = tracing_subscriber::registry()
        .with(targets)
        .with(layer())
        .with(lines(format));
    ::tracing::subscriber::set_global_default(around(subscriber)).map_err(|_| {
        Error::new(
            ErrorKind::State,
            "the program has a `tracing` subscriber already: add `obs_runtime::interop::tracing::layer()` to it \
             instead of calling `obs_runtime::interop::tracing::init()`",
        )
    })
}

/// `Targets` takes a filter by spans for the name of a target that nobody has, and so for silence.
fn targets(log: &str) -> Result<Targets, String> {
    if log.contains(['[', '{']) {
        return Err("filters by spans and fields are those of `EnvFilter`".to_owned());
    }
    Targets::from_str(log).map_err(|error| error.to_string())
}

/// Reads the first of `logs` that says something.
fn configuration(
    logs: &[(&str, String)],
    format: &str,
    mut problem: impl FnMut(String),
) -> (Targets, Format) {
    let standard = || Targets::new().with_default(LevelFilter::INFO);
    let mut logs = logs.iter().map(|(name, log)| (name, log.trim()));
    let targets = match logs.find(|(_, log)| !log.is_empty()) {
        None => standard(),
        Some((name, log)) => targets(log).unwrap_or_else(|e| {
            problem(format!(
                "{name}={log}: expected a level (off, error, warn, info, debug, trace) and target=level, between \
                 commas, such as info,my_crate=debug; info is used ({e})"
            ));
            standard()
        }),
    };
    let format = match format.trim().to_ascii_lowercase().as_str() {
        "" | "pretty" => Format::Pretty,
        "json" => Format::Json,
        _ => {
            problem(format!(
                "OBS_LOG_FORMAT={format}: expected pretty or json; pretty is used"
            ));
            Format::Pretty
        }
    };
    (targets, format)
}

#[cfg(test)]
#[path = "init_tests.rs"]
mod tests;
