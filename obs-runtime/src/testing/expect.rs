//! The comparison of an expected tree with the captured one, behind `assert_tree`.
//!
//! The expected text is parsed into [`Siblings`] first, then compared from the top. The message
//! names one difference, the one that explains most: where spans may be skipped, that of a span
//! with the expected name.

use super::captured::{indented, shown};
use super::line::{self, Line};
use super::tree::{self, Tree};
use crate::trace::{AttributeValue, SpanRecord};

/// The order that siblings must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    AsBegun,
    Any,
}

/// An expected span.
#[derive(Debug)]
struct Expected {
    line: Line,
    /// The number of its line in the text, from 1.
    number: usize,
    events: Vec<Line>,
    links: Vec<String>,
    children: Siblings,
}

#[derive(Debug, Default)]
struct Siblings {
    spans: Vec<Expected>,
    /// Whether `…` allows any others among them.
    more: bool,
}

/// Panics with both trees unless the captured one is the expected one.
#[track_caller]
pub(super) fn check(spans: &[SpanRecord], expected: &str, order: Order) {
    let lines: Vec<&str> = expected.lines().collect();
    let parsed = match parse(&lines) {
        Ok(parsed) => parsed,
        Err(why) => panic!(
            "the expected tree cannot be read: {why}\n{}",
            both(&lines, spans)
        ),
    };
    let tree = Tree::new(spans);
    let compare = Compare { tree: &tree, order };
    if let Err(why) = compare.siblings(&parsed, &tree.roots, "the top level") {
        panic!(
            "the captured spans are not the expected tree: {why}\n\n{}",
            both(&lines, spans)
        );
    }
}

fn both(lines: &[&str], spans: &[SpanRecord]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let margin = lines.iter().map(|line| margin(line)).min().unwrap_or(0);
    let text: Vec<_> = lines.iter().map(|line| line[margin..].trim_end()).collect();
    if text.is_empty() {
        return format!("expected: no span\n{}", shown(spans));
    }
    format!("expected:\n{}{}", indented(&text.join("\n")), shown(spans))
}

fn margin(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn parse(lines: &[&str]) -> Result<Siblings, String> {
    let lines: Vec<(usize, usize, &str)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .enumerate()
        .map(|(number, (_, line))| (number + 1, margin(line), line.trim()))
        .collect();
    let mut rest = &lines[..];
    let all = siblings(&mut rest, 0, None)?;
    match rest.first() {
        Some((number, ..)) => Err(format!(
            "line {number}: it stands left of the lines above it"
        )),
        None => Ok(all),
    }
}

/// Takes the lines that begin in the column of the first one, with what is below them.
fn siblings(
    rest: &mut &[(usize, usize, &str)],
    least: usize,
    mut owner: Option<(&mut Vec<Line>, &mut Vec<String>)>,
) -> Result<Siblings, String> {
    let mut found = Siblings::default();
    let Some((_, column, _)) = rest.first().copied() else {
        return Ok(found);
    };
    if column < least {
        return Ok(found);
    }
    while let Some((number, margin, text)) = rest.first().copied() {
        if margin < column {
            // A level ends where a line above it begins; other columns are refused by the caller.
            break;
        }
        let at = |why: String| format!("line {number}: {why}");
        if margin > column {
            return Err(at(
                "it stands neither below a span nor beside one".to_owned()
            ));
        }
        *rest = &rest[1..];
        if matches!(text, "…" | "...") {
            found.more = true;
        } else if let Some(event) = text.strip_prefix("- ") {
            let (events, _) = owner
                .as_mut()
                .ok_or_else(|| at("an event without a span above it".into()))?;
            events.push(Line::parse(event.trim_start()).map_err(at)?);
        } else if let Some(link) = text.strip_prefix("> ") {
            let (_, links) = owner
                .as_mut()
                .ok_or_else(|| at("a link without a span above it".into()))?;
            links.push(link.trim_start().to_owned());
        } else {
            let line = Line::parse(text).map_err(at)?;
            let (mut events, mut links) = (Vec::new(), Vec::new());
            let children = siblings(rest, column + 1, Some((&mut events, &mut links)))?;
            found.spans.push(Expected {
                line,
                number,
                events,
                links,
                children,
            });
        }
    }
    Ok(found)
}

struct Compare<'a> {
    tree: &'a Tree<'a>,
    order: Order,
}

impl Compare<'_> {
    fn siblings(&self, expected: &Siblings, found: &[usize], below: &str) -> Result<(), String> {
        match self.order {
            Order::AsBegun => self.in_order(expected, found, below),
            Order::Any => self.in_any_order(expected, found, below),
        }
    }

    fn in_order(&self, expected: &Siblings, found: &[usize], below: &str) -> Result<(), String> {
        let mut left = found.iter().copied();
        for span in &expected.spans {
            // The first span of the same name is the nearest miss, and explains most.
            let mut why = None;
            loop {
                let Some(at) = left.next() else {
                    return Err(why.unwrap_or_else(|| missing(span, below)));
                };
                match self.span(span, at) {
                    Ok(()) => break,
                    Err(reason) if !expected.more => return Err(reason),
                    Err(reason) if self.tree.span(at).name == span.line.name => {
                        why.get_or_insert(reason);
                    }
                    Err(_) => {}
                }
            }
        }
        match left.next() {
            Some(at) if !expected.more => Err(self.surplus(at, below)),
            _ => Ok(()),
        }
    }

    /// Finds a captured span for each expected one, by augmenting paths: a line may match several.
    fn in_any_order(
        &self,
        expected: &Siblings,
        found: &[usize],
        below: &str,
    ) -> Result<(), String> {
        let fits: Vec<Vec<usize>> = expected
            .spans
            .iter()
            .map(|span| {
                (0..found.len())
                    .filter(|at| self.span(span, found[*at]).is_ok())
                    .collect()
            })
            .collect();
        let mut owner: Vec<Option<usize>> = vec![None; found.len()];
        for (at, span) in expected.spans.iter().enumerate() {
            let mut tried = vec![false; found.len()];
            if assign(at, &fits, &mut owner, &mut tried) {
                continue;
            }
            let mut free = (0..found.len()).filter(|at| owner[*at].is_none());
            let alike = free.find(|at| self.name(found[*at]) == span.line.name);
            let why = alike.and_then(|at| self.span(span, found[at]).err());
            return Err(why.unwrap_or_else(|| missing(span, below)));
        }
        match owner.iter().position(Option::is_none) {
            Some(at) if !expected.more => Err(self.surplus(found[at], below)),
            _ => Ok(()),
        }
    }

    fn name(&self, at: usize) -> &str {
        &self.tree.span(at).name
    }

    fn surplus(&self, at: usize, below: &str) -> String {
        let name = self.name(at);
        format!("`{name}` was captured at {below}, where the expected tree has no further span")
    }

    fn span(&self, expected: &Expected, at: usize) -> Result<(), String> {
        let span = self.tree.span(at);
        let line = &expected.line;
        let fail = |why: String| Err(format!("line {}: {why}", expected.number));
        if span.name != line.name {
            return fail(format!(
                "expected `{}`, `{}` was captured",
                line.name, span.name
            ));
        }
        let name = &line.name;
        if span.outcome != line.outcome {
            let (is, expected) = (tree::outcome(span), line.outcome.as_str());
            return fail(format!(
                "the outcome of `{name}` is {is}, expected {expected}"
            ));
        }
        if let Some(part) = &line.error {
            let error = tree::error(span);
            if !error.contains(part.as_str()) {
                return fail(format!(
                    "the error of `{name}` is `{error}`, expected `{part}`"
                ));
            }
        }
        if let Err(why) = attributes(line, &span.attributes) {
            return fail(why);
        }
        self.events(expected, span).or_else(fail)?;
        self.siblings(
            &expected.children,
            self.tree.children(at),
            &format!("the children of `{name}`"),
        )
    }

    fn events(&self, expected: &Expected, span: &SpanRecord) -> Result<(), String> {
        let mut events = span.events.iter();
        for line in &expected.events {
            let fits = |event: &crate::trace::Event| {
                event.name == line.name && attributes(line, &event.attributes).is_ok()
            };
            if !events.any(fits) {
                return Err(format!(
                    "`{}` has no event `{}` like this",
                    span.name, line.name
                ));
            }
        }
        let mut links = span
            .links
            .iter()
            .map(|link| line::name(self.tree.target(link)));
        for name in &expected.links {
            if !links.any(|link| link == *name) {
                return Err(format!("`{}` has no link to `{name}`", span.name));
            }
        }
        Ok(())
    }
}

fn missing(span: &Expected, below: &str) -> String {
    let (number, name) = (span.number, &span.line.name);
    format!("line {number}: `{name}` is missing at {below}")
}

fn attributes(
    line: &Line,
    all: &[(std::borrow::Cow<'static, str>, AttributeValue)],
) -> Result<(), String> {
    for (key, expected) in &line.attributes {
        let name = &line.name;
        match all.iter().find(|(k, _)| k == key) {
            None => {
                return Err(format!(
                    "`{name}` has no attribute `{key}`, expected {expected}"
                ));
            }
            Some((_, value)) if !line::is_value(expected, value) => {
                let value = line::value(value);
                return Err(format!(
                    "attribute `{key}` of `{name}` is {value}, expected {expected}"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Finds a place for an expected span, and moves others to make room if that helps.
fn assign(at: usize, fits: &[Vec<usize>], owner: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    for &place in &fits[at] {
        if core::mem::replace(&mut tried[place], true) {
            continue;
        }
        if owner[place].is_none_or(|other| assign(other, fits, owner, tried)) {
            owner[place] = Some(at);
            return true;
        }
    }
    false
}
