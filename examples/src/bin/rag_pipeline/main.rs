//! Answers a question over a folder of text, observed by obs.
//!
//! ```sh
//! cargo run --release -p obs-examples --bin rag_pipeline -- --question "What is an invariant?"
//! ```
//!
//! The tasks below are plain functions. Each attribute says what obs needs to know: which task
//! comes before, what counts as a record, where the tokens stand in a response. Traces, metrics,
//! costs, retries, the order of the tasks and the report follow from that.

#![allow(unreachable_pub, reason = "what a module of a program offers is `pub`")]

mod chunks;
mod client;
mod collector;
mod documents;
mod error;
mod evaluation;
mod index;
mod interrupt;
mod options;
mod prompt;
#[cfg(test)]
mod quality_tests;
mod report;
mod runs;
#[cfg(test)]
#[path = "../../../tests/rag_pipeline/temp_dir.rs"]
mod temp_dir;
mod voice;

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use obs_runtime::alert::{Alert, AlertManager, Severity};
use obs_runtime::llm::LlmTotals;
use obs_runtime::pipeline::{Input, Resource, RunResult, RunState};
use obs_runtime::server::prometheus_port_from_env;
use obs_runtime::{Error, Observability, on_failure, pipeline_task};

use crate::chunks::Chunk;
use crate::client::Llm;
use crate::collector::Collector;
use crate::documents::Corpus;
use crate::error::RagError;
use crate::index::{Hit, VectorIndex};
use crate::options::Options;
use crate::report::{Answered, Report};
use crate::runs::Runs;
use crate::voice::{err, say};

/// Sources that the model is shown.
const TOP_K: usize = 6;
/// Texts in one call of the embeddings endpoint.
const BATCH: usize = 64;
/// How long the program waits at its end for alerts to be delivered.
const ALERTS_TIMEOUT: Duration = Duration::from_secs(10);

/// What is wrong with what the program was given, in a sentence.
type Problem = Box<dyn std::error::Error>;

// ---- The tasks, in the order in which data goes through them. --------------------------------

#[pipeline_task(pipeline = "rag", records = |corpus| corpus.documents.len())]
fn load_documents(options: Input<Options>) -> Result<Corpus, RagError> {
    options.fail_if_asked("load_documents")?;
    let corpus = options.folder().load()?;
    voice::loaded(&corpus);
    Ok(corpus)
}

// A parameter named like a task is that task's output.
#[pipeline_task(pipeline = "rag", depends_on(load_documents), records = Vec::len)]
fn chunk_documents(
    load_documents: Corpus,
    options: Input<Options>,
) -> Result<Vec<Chunk>, RagError> {
    options.fail_if_asked("chunk_documents")?;
    let chunks: Vec<Chunk> = load_documents
        .documents
        .iter()
        .flat_map(chunks::cut)
        .collect();
    say!("chunk_documents   {}", voice::count(chunks.len(), "chunk"));
    Ok(chunks)
}

// Two attempts with a pause between them: an endpoint may be busy.
#[pipeline_task(
    pipeline = "rag",
    depends_on(chunks = chunk_documents),
    retries = 1,
    backoff = "exponential",
    timeout = "5m",
    records = Vec::len
)]
async fn embed_chunks(
    chunks: &[Chunk],
    llm: Resource<Llm>,
    options: Input<Options>,
) -> Result<Vec<Vec<f32>>, RagError> {
    options.fail_if_asked("embed_chunks")?;
    let mut vectors = Vec::with_capacity(chunks.len());
    for batch in chunks.chunks(BATCH) {
        vectors.extend(
            llm.embed(batch.iter().map(Chunk::embedding_text).collect())
                .await?,
        );
        say!("embed_chunks      {} of {}", vectors.len(), chunks.len());
    }
    Ok(vectors)
}

#[pipeline_task(pipeline = "rag", depends_on(chunks = chunk_documents, vectors = embed_chunks), records = VectorIndex::len)]
fn index_chunks(
    chunks: &[Chunk],
    vectors: Vec<Vec<f32>>,
    options: Input<Options>,
) -> Result<VectorIndex, RagError> {
    options.fail_if_asked("index_chunks")?;
    let mut index = VectorIndex::default();
    index.upsert(chunks, vectors);
    say!(
        "index_chunks      {} vectors of {} numbers",
        index.len(),
        index.dimensions()
    );
    Ok(index)
}

#[pipeline_task(pipeline = "rag", depends_on(index = index_chunks), retries = 1, timeout = "1m", records = Vec::len)]
async fn retrieve(
    index: &VectorIndex,
    llm: Resource<Llm>,
    options: Input<Options>,
) -> Result<Vec<Hit>, RagError> {
    options.fail_if_asked("retrieve")?;
    let question = llm.embed(vec![options.question.clone()]).await?.remove(0);
    let hits = index.search(question, TOP_K);
    voice::retrieved(&hits);
    Ok(hits)
}

#[pipeline_task(pipeline = "rag", depends_on(sources = retrieve), retries = 1, timeout = "3m")]
async fn answer(
    sources: &[Hit],
    llm: Resource<Llm>,
    options: Input<Options>,
) -> Result<String, RagError> {
    options.fail_if_asked("answer")?;
    let text = llm
        .ask(
            prompt::INSTRUCTION,
            &prompt::with_sources(&options.question, sources),
        )
        .await?;
    say!(
        "answer            {} words",
        text.split_whitespace().count()
    );
    Ok(text)
}

#[pipeline_task(pipeline = "rag", depends_on(answer, sources = retrieve))]
fn evaluate(answer: &str, sources: &[Hit], options: Input<Options>) -> Result<Answered, RagError> {
    options.fail_if_asked("evaluate")?;
    let answered = Answered::new(answer, sources);
    say!("evaluate          faithfulness {:.2}", answered.score);
    Ok(answered)
}

/// Called after a run in which a task failed.
#[on_failure(pipeline = "rag")]
async fn alert_on_failure(run: &RunResult, alerts: &AlertManager) {
    let alert = Alert::new(Severity::Critical, "The pipeline rag failed")
        .label("pipeline", "rag")
        .detail("run_id", &run.run_id);
    alerts.send(alert.details(run.get_failed_tasks()));
}

// One thread is enough: the tasks wait for each other, and for the endpoint.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::get();
    answer_question(options).await.unwrap_or_else(|problem| {
        err!("rag_pipeline: {problem}");
        ExitCode::from(2)
    })
}

/// Switches obs on. Where traces and metrics are sent is said by the `OTEL_*` variables.
///
/// `#[obs_runtime::main]` does this in one line; here the guard is kept, to draw the trace.
fn observe(
    options: &Options,
    collector: &Collector,
    alerts: &AlertManager,
) -> Result<Observability, Error> {
    let mut builder = Observability::builder()
        .service_name("rag_pipeline")
        .service_version(env!("CARGO_PKG_VERSION"))
        .record_exporter(collector.clone())
        .alerts(alerts.clone());
    if options.serve {
        builder = builder.prometheus(([127, 0, 0, 1], prometheus_port_from_env()?));
    }
    builder.install()
}

/// Runs the pipeline and reports on it. An error is a sentence about what the program was given.
async fn answer_question(options: &Options) -> Result<ExitCode, Problem> {
    options.folder().check()?;
    let llm = Llm::from_env(options.busy).await?;
    let alerts = AlertManager::from_env()?;
    let collector = Collector::default();
    let obs = observe(options, &collector, &alerts)?;
    let mut stop = pin!(interrupt::interrupted());
    let metrics = voice::begin(options, &llm, &obs)?;

    let Runs {
        run,
        spans,
        memory,
        delivered,
    } = runs::repeat(options, &llm, &obs, &collector, stop.as_mut()).await?;
    for undelivered in [delivered, alerts.flush(ALERTS_TIMEOUT)] {
        if let Err(error) = undelivered {
            err!("rag_pipeline: {error}");
        }
    }
    let llm_totals = run.trace_id.and_then(LlmTotals::for_trace);
    let report = Report {
        run: &run,
        llm: llm_totals.unwrap_or_default(),
        spans,
        dropped: obs.stats().dropped_total(),
        memory,
        metrics,
        builtin: llm.is_builtin(),
    };
    report.print(options.json);
    if options.serve && run.state != RunState::Cancelled {
        stop.await;
    }
    Ok(report.exit_code())
}
