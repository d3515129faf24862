//! How far a run is, for people: bars on a terminal, lines elsewhere, and always on standard error.

use core::time::Duration;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stderr};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::pipeline::Pipeline;
use crate::pipeline::progress::{Progress, ProgressWatch, TaskProgress};
use crate::pipeline::state::TaskState;
use crate::terminal::text::clean;

/// How often bars are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// How often a line is written.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// The most tasks that have a bar of their own.
const BARS: usize = 8;

impl Pipeline {
    /// Shows on standard error how far the run is: bars if that is a terminal, otherwise a line
    /// each 10 s and one at the end.
    ///
    /// There is one bar for the run, and one for each task that runs and is mapped, or calls
    /// [`TaskContext::progress`](crate::pipeline::TaskContext::progress); of those at most eight.
    /// Nothing is written to standard output. Lines that the program writes to the same terminal
    /// meanwhile may be drawn over.
    pub fn show_progress(mut self) -> Self {
        self.is_shown = true;
        self
    }
}

/// Shows a run until it ends.
pub(super) fn show(pipeline: Cow<'static, str>, watch: ProgressWatch) -> JoinHandle<()> {
    tokio::spawn(async move {
        if stderr().is_terminal() {
            let mut bars = Bars::new(&pipeline, ProgressDrawTarget::stderr());
            follow(watch, DRAWN_EVERY, |progress| bars.draw(progress)).await;
            bars.end();
        } else {
            follow(watch, WRITTEN_EVERY, |progress| {
                // Nobody is there to be told that it cannot be written.
                let _ = writeln!(stderr(), "{}", line(&pipeline, progress));
            })
            .await;
        }
    })
}

/// Calls back now and then, and with the last state.
async fn follow(mut watch: ProgressWatch, pause: Duration, mut call: impl FnMut(&Progress)) {
    let last = watch.clone();
    let last = last.last();
    tokio::pin!(last);
    loop {
        tokio::select! {
            biased;
            last = &mut last => {
                last.iter().for_each(call);
                return;
            }
            () = tokio::time::sleep(pause) => {}
        }
        tokio::select! {
            biased;
            last = &mut last => {
                last.iter().for_each(call);
                return;
            }
            Some(progress) = watch.next() => call(&progress),
        }
    }
}

/// `index: 3 of 7 tasks, 1 failed; embed 40 of 100, copy 3 of 10`
fn line(pipeline: &str, progress: &Progress) -> String {
    let mut line = format!(
        "{}: {} of {} tasks",
        one_line(pipeline),
        progress.ended(),
        progress.tasks.len()
    );
    let failed = progress.failed();
    // Writing to a `String` cannot fail.
    if failed > 0 {
        let _ = write!(line, ", {failed} failed");
    }
    if progress.state.is_terminal() {
        let _ = write!(line, ", {}", progress.state);
    }
    let tasks = progress.tasks.iter().filter_map(|t| Some((t, part(t)?)));
    for (at, (task, (done, of))) in tasks.take(BARS).enumerate() {
        let mark = if at == 0 { "; " } else { ", " };
        let name = one_line(&task.name);
        let _ = write!(line, "{mark}{name} {done} of {of}");
    }
    line
}

/// How much of a task that runs is done, and of how much, if that is known.
fn part(task: &TaskProgress) -> Option<(u64, u64)> {
    if !matches!(task.state, TaskState::Running | TaskState::Retrying) {
        return None;
    }
    let items = task.items.map(|i| (i.ended.into(), i.total.into()));
    items.or(task.said)
}

/// The bars of a run.
struct Bars {
    all: MultiProgress,
    run: ProgressBar,
    /// Those of tasks that run, by their position.
    tasks: HashMap<usize, ProgressBar>,
}

impl Bars {
    fn new(pipeline: &str, target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let run = all.add(ProgressBar::new(0));
        run.set_style(style("{prefix} {bar:30} {pos}/{len} tasks{msg} {elapsed}"));
        run.set_prefix(one_line(pipeline));
        Self {
            all,
            run,
            tasks: HashMap::new(),
        }
    }

    fn draw(&mut self, progress: &Progress) {
        self.run.set_length(progress.tasks.len() as u64);
        self.run.set_position(progress.ended() as u64);
        self.run.set_message(match progress.failed() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        });
        for (at, task) in progress.tasks.iter().enumerate() {
            let Some((done, of)) = part(task) else {
                if let Some(bar) = self.tasks.remove(&at) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                continue;
            };
            if self.tasks.len() >= BARS && !self.tasks.contains_key(&at) {
                continue;
            }
            let bar = self.tasks.entry(at).or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(of));
                bar.set_style(style("  {prefix} {bar:28} {pos}/{len} {eta}"));
                bar.set_prefix(one_line(&task.name));
                bar
            });
            bar.set_length(of);
            bar.set_position(done.min(of));
        }
    }

    /// The bar of the run stays as it was at last.
    fn end(self) {
        self.tasks.values().for_each(ProgressBar::finish_and_clear);
        self.run.abandon();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A name as it fits a line.
fn one_line(name: &str) -> String {
    clean(name, 200)
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
