//! The command line.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use obs_runtime::pipeline::Pipeline;

use crate::documents::Folder;
use crate::error::RagError;

/// Answers a question over a folder of text, and shows what that took: tasks, tokens, cost, trace.
#[derive(Clone, Debug, Parser)]
#[command(name = "rag_pipeline", after_help = ENVIRONMENT)]
pub struct Options {
    /// The folder of texts [default: the Markdown of this repository]
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,

    /// The question
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "What happens when the buffers are full?",
        value_parser = question
    )]
    pub question: String,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,

    /// Serve /metrics after the run, until Ctrl-C
    #[arg(long)]
    pub serve: bool,

    /// Let this task fail, to see what obs makes of it
    #[arg(long, value_name = "TASK", value_parser = tasks())]
    fail: Option<String>,

    /// Let the built-in provider refuse this many requests with 429: the client tries again
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    pub busy: u32,

    /// Run the pipeline this many times
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
}

const ENVIRONMENT: &str = "\
Environment:
  OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL, OPENAI_EMBEDDING_MODEL
                                 the endpoint; without address and key, a built-in provider
  OTEL_EXPORTER_OTLP_ENDPOINT    where traces and metrics are sent
  OTEL_EXPORTER_OTLP_PROTOCOL    http/protobuf or grpc
  OTEL_EXPORTER_PROMETHEUS_PORT  the port of --serve [default: 9464; 0: any]
  OBS_ALERT_WEBHOOK              where alerts are sent, beside the log";

impl Options {
    /// The options of this process; a wrong one ends it with status 2 and a sentence.
    pub fn get() -> &'static Self {
        static OPTIONS: LazyLock<Options> = LazyLock::new(Options::parse);
        &OPTIONS
    }

    /// Fails the task that `--fail` names.
    ///
    /// # Errors
    /// If it names this one.
    pub fn fail_if_asked(&self, task: &str) -> Result<(), RagError> {
        if self.fail.as_deref() == Some(task) {
            return Err(RagError(format!("--fail {task} asked for it")));
        }
        Ok(())
    }

    /// What `--docs` names, or this repository's Markdown.
    pub fn folder(&self) -> Folder {
        match &self.docs {
            Some(path) => Folder {
                path: path.clone(),
                markdown_only: false,
            },
            None => Folder {
                path: repository(),
                markdown_only: true,
            },
        }
    }
}

/// The tasks that can be made to fail: those that are annotated.
fn tasks() -> PossibleValuesParser {
    let names = |rag: Pipeline| rag.task_names().map(str::to_owned).collect::<Vec<_>>();
    PossibleValuesParser::new(Pipeline::named("rag").map(names).unwrap_or_default())
}

fn question(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        Err("expected a question, not nothing")
    } else {
        Ok(text.to_owned())
    }
}

/// Where this program was built from; the current folder if that is gone.
fn repository() -> PathBuf {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .filter(|path| path.is_dir());
    built_from.map_or_else(|| PathBuf::from("."), Path::to_owned)
}
