//! What the program says while it works.

use std::sync::atomic::{AtomicU8, Ordering};

use obs_runtime::Observability;

use crate::client::Llm;
use crate::documents::Corpus;
use crate::index::Hit;
use crate::options::Options;

static VOICE: AtomicU8 = AtomicU8::new(Voice::Lines as u8);

/// How much the program says while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Voice {
    /// Lines on standard output.
    Lines,
    /// Standard output belongs to the JSON: only what is wrong, on standard error.
    Problems,
    /// Nothing: it was all said in the first of many runs.
    Nothing,
}

/// Sets how much is said from now on.
pub fn speak(voice: Voice) {
    VOICE.store(voice as u8, Ordering::Relaxed);
}

fn speaks(voice: Voice) -> bool {
    VOICE.load(Ordering::Relaxed) == voice as u8
}

/// `println!`, except that a reader who went away (`| head`) is no reason to panic.
macro_rules! out {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($arg)*);
    }};
}
pub(crate) use out;

/// `eprintln!`, with the same exception.
macro_rules! err {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arg)*);
    }};
}
pub(crate) use err;

/// Prints a line about the work, unless the output is for a machine.
macro_rules! say {
    ($($arg:tt)*) => { $crate::voice::line(format_args!($($arg)*)) };
}
pub(crate) use say;

pub fn line(text: std::fmt::Arguments<'_>) {
    if speaks(Voice::Lines) {
        out!("  {text}");
    }
}

/// Says what is going to happen, and returns where metrics can be read, if they were asked for.
///
/// # Errors
/// When they cannot be served.
pub fn begin(options: &Options, llm: &Llm, obs: &Observability) -> Result<Option<String>, String> {
    let metrics = obs
        .prometheus_addr()
        .map(|address| format!("http://{address}/metrics"));
    if options.serve && metrics.is_none() {
        return Err(obs.health().problems.join("; "));
    }
    if options.json {
        speak(Voice::Problems);
        if let Some(metrics) = &metrics {
            err!("serving {metrics} until Ctrl-C");
        }
        return Ok(metrics);
    }
    out!("Question  {}", options.question);
    out!("Folder    {}", options.folder().path.display());
    out!("Endpoint  {}", llm.base_url);
    if llm.is_builtin() {
        out!(
            "          the built-in provider: real HTTP, but sentences are picked instead of written by a model;"
        );
        out!("          set OPENAI_BASE_URL and OPENAI_API_KEY for a real one");
    }
    out!("Models    {}, {}", llm.chat_model, llm.embedding_model);
    if let Some(metrics) = &metrics {
        out!("Metrics   {metrics}, until Ctrl-C");
    }
    out!("");
    Ok(metrics)
}

/// Says what was read, and lists what was not: on standard error too, where the answer is JSON.
pub fn loaded(corpus: &Corpus) {
    let skipped = corpus.skipped.len();
    say!(
        "load_documents    {} read, {skipped} skipped",
        count(corpus.documents.len(), "document")
    );
    for file in &corpus.skipped {
        if speaks(Voice::Problems) {
            err!("skipped {}: {}", file.path, file.reason);
        } else {
            say!("                  skipped {}: {}", file.path, file.reason);
        }
    }
}

/// Lists what was found for the question.
pub fn retrieved(hits: &[Hit]) {
    say!("retrieve          {}", count(hits.len(), "source"));
    for (n, hit) in hits.iter().enumerate() {
        let title = hit.chunk.title();
        let shown: String = title.chars().take(72).collect();
        let more = if shown.len() < title.len() { "…" } else { "" };
        say!(
            "                  [{}] {:.2}  {shown}{more}",
            n + 1,
            hit.score
        );
    }
}

/// "1 chunk", "2 chunks".
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
