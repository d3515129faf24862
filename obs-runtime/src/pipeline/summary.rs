//! The result of a run as text for people.
//!
//! It goes to terminals, logs and alerts: it has as many lines for 100,000 tasks as for 40, no line
//! is longer than its reader's, and no text of a stranger commands a terminal.

mod row;
mod wrap;

use core::fmt::{self, Write as _};
use core::time::Duration;
use std::collections::HashMap;

use self::row::{Row, widths};
use self::wrap::{unbroken, wrap};
use crate::pipeline::{RunResult, RunState, TaskResult, TaskState};
use crate::terminal::text::{clean, duration, width};
use crate::terminal::{BOLD, DIM, GREEN, RED, RESET, Stream, YELLOW, colour, columns};

/// Columns where no terminal says how many it has.
const COLUMNS: usize = 100;
/// The fewest columns that a text is laid out for.
const FEWEST: usize = 32;
/// Tasks that have a line of their own.
const MOST_ROWS: usize = 40;
/// Things that a line lists before it says how many more there are.
const MOST_LISTED: usize = 6;

impl RunResult {
    /// Returns the run as text for people: a headline, one line for each task, and what explains the
    /// rest.
    ///
    /// ```text
    /// pipeline etl failed in 1.25 s: 1 of 3 tasks succeeded, 1 failed, 1 skipped; 40 records
    ///   ✓ extract    succeeded      12.0 ms  40 records
    ///   ✗ transform  failed     ×3   1.23 s              row 7: no number
    ///   – load       skipped                             `transform` failed
    ///   cause: transform, for which 1 task was skipped
    ///   critical path: extract 12.0 ms → transform 1.23 s
    ///   run 0199f2c4-…, trace 4bf92f3577b34da6a3ce929d0e0e4736
    /// ```
    ///
    /// It has no colours and at most 100 columns, for logs and alerts. Of a run with more than 40
    /// tasks those that failed and the slowest ones are shown, and how many others there are.
    /// Control characters are shown as escapes. [`for_terminal`](Self::for_terminal) is the same as
    /// wide as a terminal, in colour.
    pub fn summary(&self) -> String {
        self.layout(COLUMNS, false).to_string()
    }

    /// Returns the [`summary`](Self::summary) as it is to be printed on standard output: as wide as
    /// its terminal, and in colour unless `NO_COLOR` (<https://no-color.org>) or `TERM=dumb` says
    /// otherwise; where it is no terminal, without colours.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Ok::<_, String>(()) });
    /// let run = pipeline.build()?.run().await?;
    /// print!("{}", run.for_terminal());
    /// assert!(run.for_terminal().columns(60).color(false).to_string().contains("✓ load"));
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    pub fn for_terminal(&self) -> Summary<'_> {
        let columns = columns(Stream::Stdout).unwrap_or(COLUMNS);
        self.layout(columns, colour(Stream::Stdout))
    }

    fn layout(&self, columns: usize, colour: bool) -> Summary<'_> {
        Summary {
            run: self,
            columns,
            colour,
        }
    }
}

/// A run as text for people, see [`RunResult::for_terminal`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it is text to be printed"]
pub struct Summary<'a> {
    run: &'a RunResult,
    columns: usize,
    colour: bool,
}

impl Summary<'_> {
    /// Sets the columns of a line, at least 32.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// Sets whether it is in colour.
    pub fn color(mut self, color: bool) -> Self {
        self.colour = color;
        self
    }

    fn paint(&self, out: &mut String, paint: &str, text: &str) {
        if self.colour {
            out.push_str(paint);
            out.push_str(text);
            out.push_str(RESET);
        } else {
            out.push_str(text);
        }
    }

    /// Writes lines below the headline.
    fn said(&self, out: &mut String, paint: &str, text: &str) {
        for (at, line) in wrap(text, self.width() - 4).enumerate() {
            out.push_str(if at == 0 { "  " } else { "    " });
            self.paint(out, paint, &line);
            out.push('\n');
        }
    }

    fn width(&self) -> usize {
        self.columns.max(FEWEST)
    }

    fn headline(&self, out: &mut String) {
        let text = self.run.headline();
        for (at, line) in wrap(&text, self.width() - 2).enumerate() {
            out.push_str(if at == 0 { "" } else { "  " });
            let paint = match self.run.state {
                _ if at > 0 => "",
                RunState::Failed | RunState::TimedOut => RED,
                RunState::Cancelled | RunState::Running => YELLOW,
                RunState::Succeeded => BOLD,
            };
            self.paint(out, paint, &line);
            out.push('\n');
        }
    }

    /// Writes a line for each task that is shown, and one for the others.
    fn tasks(&self, out: &mut String) {
        let (shown, others) = self.run.shown();
        let rows: Vec<Row<'_>> = shown.into_iter().map(Row::new).collect();
        let widths = widths(&rows, self.width());
        for row in &rows {
            let (mark, state) = row.paints();
            row.write(out, &widths, self.width(), |out, part, text| match part {
                row::Part::Mark => self.paint(out, mark, text),
                row::Part::State => self.paint(out, state, text),
                row::Part::Below => self.paint(out, DIM, text),
            });
        }
        if !others.is_empty() {
            let counts = counted(&others.iter().map(|task| task.state));
            let text = format!("… and {} more tasks: {counts}", grouped(others.len()));
            self.said(out, DIM, &text);
        }
    }

    fn explanations(&self, out: &mut String) {
        let run = self.run;
        if let Some(text) = run.causes() {
            self.said(out, "", &text);
        }
        if let Some(text) = run.path() {
            self.said(out, "", &text);
        }
        #[cfg(feature = "llm")]
        {
            let costs = run.cost_by_task().into_iter();
            let costs: Vec<_> = costs
                .map(|(task, spent)| unbroken(&format!("{} {}", name(task), spent.cost)))
                .collect();
            if !costs.is_empty() {
                let text = listed(costs.into_iter(), ", ");
                self.said(out, "", &format!("cost of model calls: {text}"));
            }
        }
        if run.task_results.len() > MOST_ROWS {
            let slowest = run.slowest_tasks().into_iter().take(MOST_LISTED);
            let slowest = slowest.map(timed);
            self.said(out, "", &format!("slowest: {}", listed(slowest, ", ")));
        }
        let waited = run.task_results.iter().filter(|t| !t.waited.is_zero());
        let waited: Vec<_> = waited
            .map(|t| unbroken(&format!("{} {}", name(t), lasted(t.waited))))
            .collect();
        if !waited.is_empty() {
            let text = listed(waited.into_iter(), ", ");
            self.said(out, "", &format!("waited for a slot: {text}"));
        }
        let left = run.task_results.iter().filter(|t| t.still_running > 0);
        let left: Vec<_> = left
            .map(|t| format!("{} {}", name(t), t.still_running))
            .collect();
        if !left.is_empty() {
            let text = listed(left.into_iter(), ", ");
            let text = format!("still running, as nothing can stop it: {text}");
            self.said(out, YELLOW, &text);
        }
        let trace = run.trace_id.map(|trace| format!(", trace {trace}"));
        let ids = format!("run {}{}", run.run_id, trace.unwrap_or_default());
        self.said(out, DIM, &ids);
        for error in &run.handler_errors {
            let text = format!("handler {}: {}", error.handler, error.message);
            self.said(out, YELLOW, &clean(&text, LONGEST));
        }
    }
}

/// The longest text of a stranger, in columns.
const LONGEST: usize = 400;

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.headline(&mut out);
        self.tasks(&mut out);
        self.explanations(&mut out);
        f.write_str(&out)
    }
}

impl RunResult {
    fn headline(&self) -> String {
        let mut text = format!(
            "pipeline {} {} in {}: {} of {} tasks succeeded",
            clean(&self.pipeline_name, LONGEST),
            self.state,
            unbroken(&lasted(self.duration)),
            grouped(self.tasks_succeeded),
            grouped(self.task_results.len()),
        );
        for (count, what) in [
            (self.tasks_failed, "failed"),
            (self.tasks_skipped, "skipped"),
            (self.tasks_cancelled, "cancelled"),
        ] {
            if count > 0 {
                // Writing to a `String` cannot fail.
                let _ = write!(text, ", {} {what}", grouped(count));
            }
        }
        if self.task_results.iter().any(|t| t.records.is_some()) {
            let _ = write!(text, "; {}", many(self.records_count, "record"));
        }
        #[cfg(feature = "llm")]
        if let Some(spent) = &self.spent {
            let _ = write!(text, "; {}", unbroken(&spent.cost.to_string()));
        }
        text
    }

    /// The tasks that have a line, in the order of the graph, and the others.
    fn shown(&self) -> (Vec<&TaskResult>, Vec<&TaskResult>) {
        let all: Vec<&TaskResult> = self.task_results.iter().collect();
        if all.len() <= MOST_ROWS {
            return (all, Vec::new());
        }
        let failed = (0..all.len()).filter(|at| all[*at].failed());
        let mut kept: Vec<usize> = failed.take(MOST_ROWS / 2).collect();
        let mut slowest: Vec<usize> = (0..all.len()).filter(|at| !all[*at].failed()).collect();
        slowest.sort_by_key(|at| core::cmp::Reverse(all[*at].duration));
        slowest.truncate(MOST_ROWS - kept.len());
        kept.extend(slowest);
        kept.sort_unstable();
        let mut next = kept.into_iter().peekable();
        let (shown, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .enumerate()
            .partition(|(at, _)| next.next_if_eq(at).is_some());
        let tasks = |list: Vec<(usize, _)>| list.into_iter().map(|(_, task)| task).collect();
        (tasks(shown), tasks(others))
    }

    /// What failed first, and what that took along.
    fn causes(&self) -> Option<String> {
        let causes = self.root_causes();
        if self.tasks_skipped == 0 && self.tasks_failed < 2 || causes.is_empty() {
            return None;
        }
        let plural = if causes.len() == 1 { "" } else { "s" };
        let mut skipped: HashMap<&str, usize> = HashMap::new();
        for task in &self.task_results {
            if let Some(because) = task.skip_reason.as_ref().and_then(|why| why.task()) {
                *skipped.entry(because).or_default() += 1;
            }
        }
        let causes =
            causes.into_iter().map(
                |cause| match skipped.get(&*cause.name).copied().unwrap_or(0) {
                    0 => name(cause),
                    1 => format!("{}, for which 1 task was skipped", name(cause)),
                    n => format!(
                        "{}, for which {} tasks were skipped",
                        name(cause),
                        grouped(n)
                    ),
                },
            );
        Some(format!("cause{plural}: {}", listed(causes, "; ")))
    }

    /// The tasks that decided how long the run took, if they are several.
    fn path(&self) -> Option<String> {
        let path = self.critical_path();
        if path.len() < 2 {
            return None;
        }
        // Of a long path what took longest.
        let mut by_time: Vec<Duration> = path.iter().map(|task| task.duration).collect();
        by_time.sort_unstable_by(|a, b| b.cmp(a));
        let least = by_time.get(MOST_LISTED - 1).copied().unwrap_or_default();
        let mut text = String::from("critical path: ");
        let mut left_out = 0;
        let mut shown = 0;
        for task in &path {
            if task.duration < least || shown == MOST_LISTED {
                left_out += 1;
                continue;
            }
            if shown > 0 || left_out > 0 {
                text.push_str(if left_out > 0 { " … → " } else { " → " });
            }
            left_out = 0;
            shown += 1;
            text.push_str(&timed(task));
        }
        if left_out > 0 {
            text.push_str(" …");
        }
        if path.len() > shown {
            let _ = write!(text, " ({} tasks)", grouped(path.len()));
        }
        Some(text)
    }
}

/// Names that a line lists.
fn listed(things: impl Iterator<Item = String>, between: &str) -> String {
    let mut things: Vec<String> = things.collect();
    let more = things.len().saturating_sub(MOST_LISTED);
    things.truncate(MOST_LISTED);
    let mut text = things.join(between);
    if more > 0 {
        let _ = write!(text, "{between}and {} more", grouped(more));
    }
    text
}

/// `955 succeeded, 5 skipped`
fn counted(states: &(impl Iterator<Item = TaskState> + Clone)) -> String {
    let all = TaskState::ALL.iter().filter_map(|state| {
        let count = states.clone().filter(|s| s == state).count();
        (count > 0).then(|| format!("{} {state}", grouped(count)))
    });
    all.collect::<Vec<_>>().join(", ")
}

fn name(task: &TaskResult) -> String {
    clean(&task.name, 60)
}

fn timed(task: &TaskResult) -> String {
    unbroken(&format!("{} {}", name(task), lasted(task.duration)))
}

fn lasted(time: Duration) -> String {
    duration(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// `1 record`, `1,000 records`
fn many(count: u64, what: &str) -> String {
    let count_text = grouped(usize::try_from(count).unwrap_or(usize::MAX));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count_text} {what}{plural}")
}

/// A number in groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How a state is marked and painted.
fn mark(state: TaskState) -> (&'static str, &'static str) {
    match state {
        TaskState::Succeeded | TaskState::Cached => ("✓", GREEN),
        TaskState::Failed | TaskState::TimedOut => ("✗", RED),
        TaskState::Panicked | TaskState::Crashed => ("‼", RED),
        TaskState::Cancelled => ("⊘", YELLOW),
        TaskState::Skipped => ("–", DIM),
        TaskState::Scheduled | TaskState::Running | TaskState::Retrying => ("·", DIM),
    }
}

/// The columns of a text, for parts that are laid out.
fn wide(text: &str) -> usize {
    width(text)
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
