//! The rows of one trace as a tree.

use core::fmt::Write as _;
use std::collections::HashMap;

use super::row::{Detail, Row};
use super::text::{duration, pad, width};
use crate::trace::TraceId;
use crate::trace::{Outcome, SpanId};

/// Columns of the bar that shows when a span ran.
const BAR: usize = 20;
/// Deeper spans are drawn at this depth with their depth in words, so that a trace of n levels
/// does not take n² characters.
const DEEPEST: usize = 32;

pub(super) const RED: &str = "\x1b[31m";
pub(super) const YELLOW: &str = "\x1b[33m";
pub(super) const GREEN: &str = "\x1b[32m";
const BOLD: &str = "\x1b[1m";
pub(super) const DIM: &str = "\x1b[2m";
pub(super) const RESET: &str = "\x1b[0m";

/// A trace to draw.
pub(super) struct Tree<'a> {
    trace: TraceId,
    rows: &'a [Row],
    /// Spans that are not among the rows.
    pub(super) hidden: u64,
    /// Said behind the headline.
    pub(super) remark: &'static str,
    pub(super) colour: bool,
}

/// A row in its place: what is drawn before its mark.
struct Placed {
    row: usize,
    prefix: String,
}

impl<'a> Tree<'a> {
    pub(super) fn new(trace: TraceId, rows: &'a [Row]) -> Self {
        Self {
            trace,
            rows,
            hidden: 0,
            remark: "",
            colour: false,
        }
    }

    /// Appends the headline and one line for each row.
    pub(super) fn draw(&self, out: &mut String) {
        let begin = self.rows.iter().map(|r| r.start).min().unwrap_or(0);
        let end = self.rows.iter().map(|r| r.end).max().unwrap_or(0);
        let spans = self.rows.len() as u64 + self.hidden;
        let plural = if spans == 1 { "" } else { "s" };
        let all = duration(end.saturating_sub(begin));
        let headline = format!("trace {} · {spans} span{plural} · {all}", self.trace);
        self.paint(out, BOLD, &headline);
        let _ = writeln!(out, "{}", self.remark);
        let (by_id, placed) = (self.by_id(), self.place());
        let left = |p: &Placed| width(&p.prefix) + 2 + width(&self.rows[p.row].name);
        let name_column = placed.iter().map(left).max().unwrap_or(0);
        for placed in &placed {
            let row = &self.rows[placed.row];
            let details = details(row, by_id.get(&row.parent).map(|at| &self.rows[*at]));
            self.paint(out, DIM, &placed.prefix);
            self.paint(out, colour(row.outcome), mark(row.outcome));
            out.push(' ');
            out.push_str(&row.name);
            let time = duration(row.duration());
            pad(
                out,
                name_column - left(placed) + 2 + 7_usize.saturating_sub(width(&time)),
            );
            out.push_str(&time);
            out.push_str("  ");
            let mut line = bar(row, begin, end);
            if row.error.is_empty() && details.is_empty() {
                line.truncate(line.trim_end().len());
            }
            self.paint(out, DIM, &line);
            if !row.error.is_empty() {
                out.push_str("  ");
                self.paint(out, colour(row.outcome), &row.error);
            }
            if !details.is_empty() {
                out.push_str("  ");
                self.paint(out, DIM, &details);
            }
            out.push('\n');
        }
        if self.hidden > 0 {
            let _ = writeln!(out, "… {} shorter spans are not shown", self.hidden);
        }
    }

    fn paint(&self, out: &mut String, style: &str, text: &str) {
        if self.colour && !text.is_empty() {
            let _ = write!(out, "{style}{text}{RESET}");
        } else {
            out.push_str(text);
        }
    }

    /// Returns the rows in the order of the tree: each before its children, siblings by their start.
    fn place(&self) -> Vec<Placed> {
        let (mut tops, children) = self.family();
        let mut placed: Vec<Placed> = Vec::with_capacity(self.rows.len());
        let mut seen = vec![false; self.rows.len()];
        // What a caller made up may be a circle without a top: its first row becomes one.
        let mut unseen = self.by_start().into_iter();
        loop {
            // (row, depth, columns drawn for the levels above, is it the last of its siblings)
            let mut stack: Vec<(usize, usize, String, bool)> = tops
                .drain(..)
                .rev()
                .map(|row| (row, 0, String::new(), true))
                .collect();
            while let Some((row, depth, above, last)) = stack.pop() {
                if core::mem::replace(&mut seen[row], true) {
                    continue;
                }
                let (prefix, below) = lead(depth, &above, last);
                placed.push(Placed { row, prefix });
                if let Some(children) = children.get(&row) {
                    let children = children.iter().rev().enumerate();
                    stack.extend(
                        children.map(|(i, child)| (*child, depth + 1, below.clone(), i == 0)),
                    );
                }
            }
            match unseen.find(|row| !seen[*row]) {
                Some(row) => tops.push(row),
                None => return placed,
            }
        }
    }

    fn by_id(&self) -> HashMap<SpanId, usize> {
        let mut by_id = HashMap::with_capacity(self.rows.len());
        for (at, row) in self.rows.iter().enumerate() {
            by_id.entry(row.span).or_insert(at);
        }
        by_id
    }

    /// Returns the rows without a parent among the rows, and the children of the others.
    fn family(&self) -> (Vec<usize>, HashMap<usize, Vec<usize>>) {
        let by_id = self.by_id();
        let mut tops = Vec::new();
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        for at in self.by_start() {
            match by_id.get(&self.rows[at].parent) {
                Some(parent) if *parent != at => children.entry(*parent).or_default().push(at),
                _ => tops.push(at),
            }
        }
        (tops, children)
    }

    fn by_start(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.rows.len()).collect();
        // Of two that started in the same nanosecond, the longer one is drawn first.
        rows.sort_by_key(|at| (self.rows[*at].start, core::cmp::Reverse(self.rows[*at].end)));
        rows
    }
}

/// Returns what stands before a row's mark, and before those of its children.
fn lead(depth: usize, above: &str, last: bool) -> (String, String) {
    if depth == 0 {
        return (String::new(), String::new());
    }
    if depth > DEEPEST {
        return (format!("{above}⋯ level {depth} "), above.to_owned());
    }
    let (branch, line) = if last {
        ("└─ ", "   ")
    } else {
        ("├─ ", "│  ")
    };
    (format!("{above}{branch}"), format!("{above}{line}"))
}

/// Returns the row's attributes; what its name or its parent says already is not repeated.
fn details(row: &Row, parent: Option<&Row>) -> String {
    let mut shown = String::new();
    for detail in row.details.iter().filter(|detail| !detail.in_name) {
        let same = |other: &Detail| other.key == detail.key && other.value == detail.value;
        let inherited = parent
            .is_some_and(|parent| !core::ptr::eq(parent, row) && parent.details.iter().any(same));
        if inherited {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&detail.key);
        if detail.key != "…" {
            let _ = write!(shown, "={}", detail.value);
        }
    }
    shown
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "✓",
        Outcome::Error => "✗",
        Outcome::Panicked => "‼",
        Outcome::Cancelled => "⊘",
    }
}

fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => GREEN,
        Outcome::Error | Outcome::Panicked => RED,
        Outcome::Cancelled => YELLOW,
    }
}

/// Returns when the span ran, between the trace's begin and end; never shorter than a column.
fn bar(row: &Row, begin: u64, end: u64) -> String {
    let all = end.saturating_sub(begin).max(1) as f64;
    let column = |at: u64| (at.saturating_sub(begin) as f64 / all * BAR as f64).round() as usize;
    let from = column(row.start).min(BAR - 1);
    let to = column(row.end).clamp(from + 1, BAR);
    let mut bar = " ".repeat(from);
    bar.push_str(&"━".repeat(to - from));
    pad(&mut bar, BAR - to);
    bar
}
