//! Runs the pipeline as often as was asked for, until the program is asked to stop.

use std::pin::{Pin, pin};

use obs_runtime::pipeline::{Pipeline, RunResult, RunState};
use obs_runtime::{Error, Observability, trace::SpanRecord};
use serde::Serialize;

use crate::client::Llm;
use crate::collector::Collector;
use crate::options::Options;
use crate::voice::{self, Voice};

/// What is left of one run, or the last of many.
#[derive(Debug)]
pub struct Runs {
    pub run: RunResult,
    /// The spans of its trace.
    pub spans: Vec<SpanRecord>,
    pub memory: Memory,
    /// Whether what was recorded has arrived where it is sent.
    pub delivered: Result<(), Error>,
}

/// Runs the pipeline `--repeat` times; a run that is cancelled is the last.
///
/// # Errors
/// When the pipeline cannot start.
pub async fn repeat(
    options: &Options,
    llm: &Llm,
    obs: &Observability,
    collector: &Collector,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<Runs, Error> {
    let mut memory = Memory::default();
    let mut delivered = Ok(());
    loop {
        let run = once(options, llm, stop.as_mut()).await?;
        memory.runs += 1;
        let is_last = memory.runs == options.repeat || run.state == RunState::Cancelled;
        // What the run recorded must have arrived before it can be shown. A receiver that is not
        // there is waited for once, not after every run.
        if is_last || delivered.is_ok() {
            delivered = obs.force_flush();
        }
        let spans = collector.take(run.trace_id);
        memory.measure();
        if is_last {
            return Ok(Runs {
                run,
                spans,
                memory,
                delivered,
            });
        }
        voice::speak(Voice::Nothing);
    }
}

/// One run of the pipeline. When the program is asked to stop, the run is cancelled: it still ends
/// with a result.
async fn once(
    options: &Options,
    llm: &Llm,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<RunResult, Error> {
    let pipeline = Pipeline::named("rag")?
        .input(options.clone())
        .resource(llm.clone());
    let cancel = pipeline.cancel_handle();
    let mut run = pin!(pipeline.run());
    tokio::select! {
        finished = &mut run => finished,
        () = stop => {
            cancel.cancel();
            run.await
        }
    }
}

/// The memory of this process in the course of many runs.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Memory {
    /// Runs so far.
    pub runs: u32,
    #[serde(rename = "resident_bytes_after_run_100")]
    after_100: Option<u64>,
    #[serde(rename = "resident_bytes_at_end")]
    at_end: Option<u64>,
}

impl Memory {
    fn measure(&mut self) {
        if self.runs == 100 {
            self.after_100 = resident_bytes();
        }
        if self.runs > 1 {
            self.at_end = resident_bytes();
        }
    }

    /// A line for people; `dropped` is what obs lost.
    pub fn text(&self, dropped: u64) -> String {
        let mib = |bytes: Option<u64>| {
            bytes.map_or_else(
                || "unknown".to_owned(),
                |b| format!("{:.1} MiB", b as f64 / 1_048_576.0),
            )
        };
        format!(
            "{} runs; memory {} after run 100, {} at the end; {dropped} items of telemetry lost\n",
            self.runs,
            mib(self.after_100),
            mib(self.at_end)
        )
    }
}

/// Bytes of memory that the process has in RAM; only Linux says it in a file.
fn resident_bytes() -> Option<u64> {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm
        .split(' ')
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|pages| pages * PAGE)
}
