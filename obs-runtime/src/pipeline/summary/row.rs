//! The line of one task, and what stands below it.

use core::fmt::Write as _;

use super::wrap::wrap;
use super::{LONGEST, counted, grouped, lasted, many, mark, name, wide};
use crate::pipeline::{ItemResult, TaskResult};
use crate::terminal::text::{clean, cut, pad};

/// Columns before the name: a margin, the mark and a gap.
const BEFORE: usize = 4;
/// Columns between two parts.
const GAP: usize = 2;
/// The fewest that a name gets.
const NAME: usize = 8;
/// Columns before what stands below a line.
const BELOW: usize = 6;
/// Lines of a text below a line.
const MOST_LINES: usize = 8;
/// Items of a mapped task that are shown.
const MOST_ITEMS: usize = 3;

/// What is said of one task.
pub(super) struct Row<'a> {
    task: &'a TaskResult,
    name: String,
    /// Attempts, time, records: each in a column.
    cells: [String; CELLS],
    /// Why it ended so.
    detail: String,
    /// Of its items.
    below: Vec<String>,
}

const CELLS: usize = 3;
const ATTEMPTS: usize = 0;
const RECORDS: usize = 2;

/// A part of a row that is painted.
pub(super) enum Part {
    Mark,
    State,
    Below,
}

/// The columns of each part.
pub(super) struct Widths {
    name: usize,
    state: usize,
    /// 0 for a column that is left out.
    cells: [usize; CELLS],
}

impl<'a> Row<'a> {
    pub(super) fn new(task: &'a TaskResult) -> Self {
        let ran = task.attempts > 0;
        let is_repeated = task.items.is_empty() && task.attempts > 1;
        let detail = match (&task.error, &task.skip_reason) {
            (Some(error), _) => clean(error.message(), LONGEST),
            (None, Some(reason)) => clean(&reason.to_string(), LONGEST),
            (None, None) => String::new(),
        };
        Self {
            task,
            name: name(task),
            cells: [
                if is_repeated {
                    format!("×{}", grouped(task.attempts as usize))
                } else {
                    String::new()
                },
                if ran {
                    lasted(task.duration)
                } else {
                    String::new()
                },
                task.records.map_or(String::new(), |n| many(n, "record")),
            ],
            detail,
            below: items(&task.items),
        }
    }

    /// How its mark and its state are painted.
    pub(super) fn paints(&self) -> (&'static str, &'static str) {
        let (_, paint) = mark(self.task.state);
        (paint, if self.task.failed() { paint } else { "" })
    }

    /// Writes its lines, of at most `most` columns.
    pub(super) fn write(
        &self,
        out: &mut String,
        widths: &Widths,
        most: usize,
        paint: impl Fn(&mut String, Part, &str),
    ) {
        let (mark, _) = mark(self.task.state);
        pad(out, 2);
        paint(out, Part::Mark, mark);
        out.push(' ');
        let name = cut(&self.name, widths.name);
        out.push_str(&name);
        pad(out, widths.name - wide(&name) + GAP);
        let state = self.task.state.as_str();
        paint(out, Part::State, state);
        let mut open = widths.state - wide(state);
        for (cell, width) in self.cells.iter().zip(widths.cells) {
            if width == 0 {
                continue;
            }
            if cell.is_empty() {
                open += GAP + width;
                continue;
            }
            // Nothing is filled up behind the last word of a line.
            pad(out, open + GAP + width - wide(cell));
            out.push_str(cell);
            open = 0;
        }
        let room = most.saturating_sub(widths.all() + GAP);
        let fits = !self.detail.is_empty() && wide(&self.detail) <= room;
        if fits {
            pad(out, open + GAP);
            out.push_str(&self.detail);
        }
        out.push('\n');
        let detail = (!fits && !self.detail.is_empty()).then_some(&self.detail);
        for text in detail.into_iter().chain(&self.below) {
            let mut lines = wrap(text, most.saturating_sub(BELOW));
            for line in lines.by_ref().take(MOST_LINES) {
                pad(out, BELOW);
                paint(out, Part::Below, &line);
                out.push('\n');
            }
            if lines.next().is_some() {
                pad(out, BELOW);
                paint(out, Part::Below, "…");
                out.push('\n');
            }
        }
    }
}

impl Widths {
    /// The columns of a line without its detail.
    fn all(&self) -> usize {
        let cells = self.cells.iter().filter(|width| **width > 0);
        BEFORE + self.name + GAP + self.state + cells.map(|width| GAP + width).sum::<usize>()
    }
}

/// Shares out the columns of a line: what is told least by its place is left out first.
pub(super) fn widths(rows: &[Row<'_>], most: usize) -> Widths {
    let widest = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let mut widths = Widths {
        name: widest(&|row| wide(&row.name)),
        state: widest(&|row| wide(row.task.state.as_str())),
        cells: core::array::from_fn(|at| widest(&|row| wide(&row.cells[at]))),
    };
    for cell in [RECORDS, ATTEMPTS] {
        // Names are shortened before: to two thirds of what they take.
        let least = widths.name - widths.name.min(NAME).max(widths.name * 2 / 3);
        if widths.all() > most + least {
            widths.cells[cell] = 0;
        }
    }
    let over = widths.all().saturating_sub(most);
    widths.name = widths.name.saturating_sub(over).max(NAME.min(widths.name));
    widths
}

/// What is said of the items of a mapped task.
fn items(items: &[ItemResult]) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let counts = counted(&items.iter().map(|item| item.state));
    let mut text = format!("{}: {counts}", many(items.len() as u64, "item"));
    let slowest = items.iter().max_by_key(|item| item.duration);
    if let Some(item) = slowest.filter(|item| item.attempts > 0) {
        let lasted = lasted(item.duration);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "; slowest #{} {lasted}", item.item);
    }
    let mut said = vec![text];
    let failed = items.iter().filter(|item| item.state.is_failure());
    for item in failed.clone().take(MOST_ITEMS) {
        let why = item.error.as_ref().map_or("", |error| error.message());
        let times = match item.attempts {
            0 | 1 => String::new(),
            n => format!(" ×{n}"),
        };
        said.push(clean(&format!("#{}{times}: {why}", item.item), LONGEST));
    }
    let more = failed.count().saturating_sub(MOST_ITEMS);
    if more > 0 {
        said.push(format!("… and {} more that failed", grouped(more)));
    }
    said
}
