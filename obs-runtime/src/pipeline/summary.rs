//! The result of a run as text for people.
//!
//! It goes to terminals, logs and alerts, so each error is put on one line.

use core::fmt::Write as _;
use core::time::Duration;

use crate::pipeline::{RunResult, TaskResult};
use crate::printable::is_unprintable;

impl RunResult {
    /// Returns the run as a table for people: a headline, then one line for each task.
    ///
    /// ```text
    /// pipeline etl failed in 1.25s: 1 of 3 tasks succeeded, 1 failed, 1 skipped; 40 records
    ///   task       state      attempts  duration  records  error
    ///   extract    succeeded         1    12.0ms       40
    ///   transform  failed            3     1.23s        -  row 7: no number
    ///   load       skipped           0         -        -  `transform` failed
    ///   waited for a slot: transform 300ms
    ///   run 0199f2c4-…, trace 4bf92f3577b34da6a3ce929d0e0e4736
    /// ```
    pub fn summary(&self) -> String {
        let mut text = self.headline();
        text.push('\n');
        self.table(&mut text);
        self.about_tasks(&mut text, "waited for a slot", |task| {
            (!task.waited.is_zero()).then(|| duration(task.waited))
        });
        self.about_tasks(&mut text, "still running, as nothing can stop it", |task| {
            (task.still_running > 0).then(|| task.still_running.to_string())
        });
        // Writing to a `String` cannot fail.
        let _ = write!(text, "  run {}", self.run_id);
        if let Some(trace) = self.trace_id {
            let _ = write!(text, ", trace {trace}");
        }
        text.push('\n');
        for error in &self.handler_errors {
            let _ = writeln!(
                text,
                "  handler {}: {}",
                error.handler,
                one_line(&error.message)
            );
        }
        text
    }

    fn headline(&self) -> String {
        let mut text = format!(
            "pipeline {} {} in {}: {} of {} tasks succeeded",
            self.pipeline_name,
            self.state,
            duration(self.duration),
            self.tasks_succeeded,
            self.task_results.len(),
        );
        for (count, what) in [
            (self.tasks_failed, "failed"),
            (self.tasks_skipped, "skipped"),
            (self.tasks_cancelled, "cancelled"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        if self.task_results.iter().any(|t| t.records.is_some()) {
            let _ = write!(text, "; {} records", self.records_count);
        }
        text
    }

    /// Writes a line about the tasks of which there is something to say, if there are any.
    fn about_tasks(
        &self,
        text: &mut String,
        what: &str,
        say: impl Fn(&TaskResult) -> Option<String>,
    ) {
        let said = self.task_results.iter().filter_map(|task| {
            let said = say(task)?;
            Some(format!("{} {said}", task.name))
        });
        let said: Vec<String> = said.collect();
        if !said.is_empty() {
            let _ = writeln!(text, "  {what}: {}", said.join(", "));
        }
    }

    fn table(&self, text: &mut String) {
        const HEAD: [&str; 6] = ["task", "state", "attempts", "duration", "records", "error"];
        let rows: Vec<[String; 6]> = core::iter::once(HEAD.map(str::to_owned))
            .chain(self.task_results.iter().map(cells))
            .collect();
        let mut widths = [0; 5];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for [name, state, attempts, duration, records, error] in &rows {
            let [w0, w1, w2, w3, w4] = widths;
            let line = format!(
                "  {name:<w0$}  {state:<w1$}  {attempts:>w2$}  {duration:>w3$}  {records:>w4$}  {error}"
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
}

fn cells(task: &TaskResult) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        task.name.to_string(),
        task.state.to_string(),
        task.attempts.to_string(),
        or_dash((task.attempts > 0).then(|| duration(task.duration))),
        or_dash(task.records.map(|n| n.to_string())),
        match (&task.error, &task.skip_reason) {
            (Some(error), _) => one_line(error.message()),
            (None, Some(reason)) => one_line(&reason.to_string()),
            (None, None) => String::new(),
        },
    ]
}

/// Returns a duration with three significant digits and a unit.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        s if s >= 3600.0 => (s / 3600.0, "h"),
        s if s >= 120.0 => (s / 60.0, "min"),
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "us"),
    };
    let decimals = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}{unit}")
}

/// Returns a text as it fits one cell of the table, or a part of a line.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String = text
        .chars()
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .take(LONGEST + 1)
        .collect();
    if line.chars().count() > LONGEST {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
