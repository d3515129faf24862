//! The rows of one trace as a tree.

use core::fmt::Write as _;
use std::collections::HashMap;

use super::fold::{Item, fold};
use super::layout::{Layout, Placed};
use super::row::{Detail, Row};
use crate::terminal::text::{cut, duration, pad, width};
use crate::terminal::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use crate::trace::TraceId;
use crate::trace::{Outcome, SpanId};

/// A trace to draw.
pub(super) struct Tree<'a> {
    trace: TraceId,
    rows: &'a [Row],
    /// Spans that are not among the rows.
    pub(super) hidden: u64,
    /// Said behind the headline.
    pub(super) remark: &'static str,
    pub(super) colour: bool,
    /// The columns of the terminal; none where a line may be as long as it is.
    pub(super) columns: Option<usize>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(trace: TraceId, rows: &'a [Row]) -> Self {
        Self {
            trace,
            rows,
            hidden: 0,
            remark: "",
            colour: false,
            columns: None,
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
        let mut placed = self.place();
        let layout = Layout::new(&placed, self.columns);
        for placed in &mut placed {
            self.line(out, placed, &layout, (begin, end));
        }
        if self.hidden > 0 {
            let _ = writeln!(out, "… {} shorter spans are not shown", self.hidden);
        }
    }

    fn line(&self, out: &mut String, placed: &Placed<'_>, layout: &Layout, trace: (u64, u64)) {
        let outcome = self.rows[placed.item.first()].outcome;
        self.paint(out, DIM, &placed.prefix);
        self.paint(out, colour(outcome), mark(outcome));
        out.push(' ');
        let left = width(&placed.prefix) + 2;
        let name = cut(&placed.name, layout.name.saturating_sub(left).max(1));
        out.push_str(&name);
        pad(out, layout.name.saturating_sub(left + width(&name)) + 2);
        pad(out, layout.time - width(&placed.time));
        out.push_str(&placed.time);
        let mut bar = bar(placed.item.span(self.rows), trace, layout.bar);
        let mut room = layout.tail;
        let error = fitted(placed.error, room);
        if !error.is_empty() {
            room = room.saturating_sub(width(&error) + 2);
        }
        let details = fitted(&placed.details, room);
        if error.is_empty() && details.is_empty() {
            bar.truncate(bar.trim_end().len());
        }
        if !bar.is_empty() {
            out.push_str("  ");
            self.paint(out, DIM, &bar);
        }
        if !error.is_empty() {
            out.push_str("  ");
            self.paint(out, colour(outcome), &error);
        }
        if !details.is_empty() {
            out.push_str("  ");
            self.paint(out, DIM, &details);
        }
        out.push('\n');
    }

    fn paint(&self, out: &mut String, style: &str, text: &str) {
        if self.colour && !text.is_empty() {
            let _ = write!(out, "{style}{text}{RESET}");
        } else {
            out.push_str(text);
        }
    }

    /// Returns the lines in the order of the tree: each before its children, siblings by their start.
    fn place(&self) -> Vec<Placed<'a>> {
        let (mut tops, children) = self.family();
        let is_leaf = |row: usize| !children.contains_key(&row);
        let by_id = self.by_id();
        let deepest = Layout::deepest(self.columns);
        let mut placed = Vec::with_capacity(self.rows.len());
        let mut seen = vec![false; self.rows.len()];
        // What a caller made up may be a circle without a top: its first row becomes one.
        let mut unseen = self.by_start().into_iter();
        loop {
            // (what is drawn, depth, columns drawn for the levels above, is it the last of its siblings)
            let mut stack: Vec<(Item, usize, String, bool)> = tops
                .drain(..)
                .rev()
                .map(|row| (Item::one(row), 0, String::new(), true))
                .collect();
            while let Some((item, depth, above, last)) = stack.pop() {
                let row = item.first();
                if core::mem::replace(&mut seen[row], true) {
                    continue;
                }
                item.rows().iter().for_each(|row| seen[*row] = true);
                let (prefix, below) = lead(depth, deepest, &above, last);
                let parent = by_id.get(&self.rows[row].parent).map(|at| &self.rows[*at]);
                placed.push(Placed {
                    prefix,
                    name: item.name(self.rows),
                    time: item.time(self.rows),
                    error: &self.rows[row].error,
                    details: details(&item, self.rows, parent),
                    item,
                });
                if let Some(children) = children.get(&row) {
                    let items = fold(children, self.rows, is_leaf);
                    let items = items.into_iter().rev().enumerate();
                    stack.extend(items.map(|(i, item)| (item, depth + 1, below.clone(), i == 0)));
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
///
/// Spans below the deepest level that has a place are drawn there, with their depth in words.
fn lead(depth: usize, deepest: usize, above: &str, last: bool) -> (String, String) {
    if depth == 0 {
        return (String::new(), String::new());
    }
    if depth > deepest {
        return (format!("{above}⋯ level {depth} "), above.to_owned());
    }
    let (branch, line) = if last {
        ("└─ ", "   ")
    } else {
        ("├─ ", "│  ")
    };
    (format!("{above}{branch}"), format!("{above}{line}"))
}

/// Returns the attributes that all rows of a line have; what its name or its parent says already is not
/// repeated.
fn details(item: &Item, rows: &[Row], parent: Option<&Row>) -> String {
    let row = &rows[item.first()];
    let mut shown = String::new();
    for detail in row.details.iter().filter(|detail| !detail.in_name) {
        let has = |row: &Row| {
            let same = |other: &Detail| other.key == detail.key && other.value == detail.value;
            row.details.iter().any(same)
        };
        let inherited = !detail.is_amount
            && parent.is_some_and(|parent| !core::ptr::eq(parent, row) && has(parent));
        if inherited || !item.rows().iter().all(|row| has(&rows[*row])) {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        if detail.key.is_empty() {
            shown.push_str(&detail.value);
            continue;
        }
        shown.push_str(&detail.key);
        if detail.key != "…" {
            let _ = write!(shown, "={}", detail.value);
        }
    }
    shown
}

/// Returns what of a text has room; nothing if that is too little to be understood.
fn fitted(text: &str, room: usize) -> String {
    const LEAST: usize = 12;
    if room < LEAST.min(width(text)) {
        return String::new();
    }
    cut(text, room)
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

/// Returns when something ran, between the trace's begin and end; never shorter than a column.
fn bar((start, stop): (u64, u64), (begin, end): (u64, u64), columns: usize) -> String {
    let Some(last) = columns.checked_sub(1) else {
        return String::new();
    };
    let all = end.saturating_sub(begin).max(1) as f64;
    let column =
        |at: u64| (at.saturating_sub(begin) as f64 / all * columns as f64).round() as usize;
    let from = column(start).min(last);
    let to = column(stop).clamp(from + 1, columns);
    let mut bar = " ".repeat(from);
    bar.push_str(&"━".repeat(to - from));
    pad(&mut bar, columns - to);
    bar
}
