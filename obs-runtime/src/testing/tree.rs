//! The captured spans as a tree, and as text without what differs from run to run.
//!
//! The order of siblings is the order in which they began; it must be the same in every run of the
//! same code, because tests compare the text.

use core::cmp::Reverse;
use core::fmt::{self, Write as _};
use std::collections::HashMap;

use super::line;
use crate::trace::{Link, Outcome, SpanId, SpanRecord};

/// How many levels are written: each is further right, so the text grows with their square. Below stands `…`, which
/// allows any spans there when the text is an expected tree.
pub(super) const DEEPEST: usize = 1_000;

/// Captured spans, and which of them are whose children.
pub(super) struct Tree<'a> {
    spans: &'a [SpanRecord],
    /// The spans without a parent among them, in the order they began.
    pub(super) roots: Vec<usize>,
    children: HashMap<usize, Vec<usize>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(spans: &'a [SpanRecord]) -> Self {
        let by_id: HashMap<SpanId, usize> = spans
            .iter()
            .enumerate()
            .map(|(at, span)| (span.span_id, at))
            .collect();
        let mut order: Vec<usize> = (0..spans.len()).collect();
        // Of two spans that began in the same nanosecond, the longer one is the outer one.
        order.sort_by_key(|at| {
            (
                spans[*at].start_unix_nanos,
                Reverse(spans[*at].end_unix_nanos),
            )
        });
        let (mut roots, mut children) = (Vec::new(), HashMap::<usize, Vec<usize>>::new());
        for at in order {
            let parent = spans[at].parent_id.and_then(|id| by_id.get(&id));
            match parent {
                Some(parent) if *parent != at => children.entry(*parent).or_default().push(at),
                _ => roots.push(at),
            }
        }
        Self {
            spans,
            roots,
            children,
        }
    }

    pub(super) fn span(&self, at: usize) -> &'a SpanRecord {
        &self.spans[at]
    }

    pub(super) fn children(&self, at: usize) -> &[usize] {
        self.children.get(&at).map_or(&[], Vec::as_slice)
    }

    pub(super) fn children_of(&self, parent: &SpanRecord) -> Vec<&'a SpanRecord> {
        let at = self
            .spans
            .iter()
            .position(|span| span.span_id == parent.span_id);
        let children = at.map_or(&[] as &[usize], |at| self.children(at));
        children.iter().map(|at| self.span(*at)).collect()
    }

    /// Returns the name of the captured span that a link points to.
    pub(super) fn target(&self, link: &Link) -> &'a str {
        let id = link.context.span_id;
        let found = self.spans.iter().find(|span| span.span_id == id);
        found.map_or("a span that was not captured", |span| &span.name)
    }

    /// Writes a span with its events and links, without its children.
    fn write(&self, out: &mut fmt::Formatter<'_>, at: usize, depth: usize) -> fmt::Result {
        let span = self.span(at);
        let margin = depth * 2;
        let lost = depth == 0 && span.parent_id.is_some() && !span.parent_is_remote;
        let note = if lost {
            "  (its parent was not captured)"
        } else {
            ""
        };
        writeln!(out, "{:margin$}{}{note}", "", head(span))?;
        let margin = margin + 2;
        for event in &span.events {
            let mut line = line::name(&event.name);
            line::attributes(&mut line, &event.attributes);
            writeln!(out, "{:margin$}- {line}", "")?;
        }
        for link in &span.links {
            writeln!(out, "{:margin$}> {}", "", line::name(self.target(link)))?;
        }
        if depth + 1 == DEEPEST && !self.children(at).is_empty() {
            writeln!(out, "{:margin$}…", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut waiting: Vec<(usize, usize)> = self.roots.iter().rev().map(|at| (*at, 0)).collect();
        while let Some((at, depth)) = waiting.pop() {
            self.write(f, at, depth)?;
            if depth + 1 < DEEPEST {
                let children = self.children(at).iter().rev();
                waiting.extend(children.map(|child| (*child, depth + 1)));
            }
        }
        Ok(())
    }
}

/// Returns the name, outcome and attributes of a span, as they are written in a line.
pub(super) fn head(span: &SpanRecord) -> String {
    let mut out = line::name(&span.name);
    let error = error(span);
    if !error.is_empty() {
        let _ = write!(out, " [{}: {error}]", span.outcome.as_str());
    } else if span.outcome != Outcome::Ok {
        let _ = write!(out, " [{}]", span.outcome.as_str());
    }
    line::attributes(&mut out, &span.attributes);
    out
}

/// Returns the outcome of a span, and its error if it has one.
pub(super) fn outcome(span: &SpanRecord) -> String {
    let (outcome, error) = (span.outcome.as_str(), error(span));
    if error.is_empty() {
        outcome.to_owned()
    } else {
        format!("{outcome} ({error})")
    }
}

/// Returns type and message of a span's error, as a line shows them; it may be empty.
pub(super) fn error(span: &SpanRecord) -> String {
    line::bracketed(&match &span.error {
        None => String::new(),
        Some(error) => match &error.message {
            Some(message) => format!("{}: {message}", error.kind),
            None => error.kind.to_string(),
        },
    })
}
