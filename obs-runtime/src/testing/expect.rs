//! The comparison of an expected tree with the captured one, behind `assert_tree`.
//!
//! The expected text is parsed into [`Wanted`] first, then compared from the top. The message
//! names one difference, the one that explains most: where spans may be skipped, that of a span
//! with the expected name.

use std::collections::{HashMap, VecDeque};

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

/// Expected spans that have one parent, by their places in [`Wanted`].
#[derive(Debug, Default)]
struct Siblings {
    spans: Vec<usize>,
    /// Whether `…` allows any others among them.
    more: bool,
}

/// The expected tree. A tree may be deeper than a stack, so neither this nor what works on it is recursive.
#[derive(Debug, Default)]
struct Wanted {
    spans: Vec<Expected>,
    top: Siblings,
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
    if let Err(why) = Compare::new(&tree, &parsed, order).all() {
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

/// A column of the expected tree, and whose children begin there.
struct Level {
    column: usize,
    parent: Option<usize>,
}

fn parse(lines: &[&str]) -> Result<Wanted, String> {
    let lines = lines.iter().filter(|line| !line.trim().is_empty());
    let mut wanted = Wanted::default();
    let mut levels: Vec<Level> = Vec::new();
    // The span of the line above, below which the next line may begin a level.
    let mut above = None;
    for (number, line) in (1..).zip(lines) {
        let at = |why: String| format!("line {number}: {why}");
        let column = margin(line);
        if levels.is_empty() {
            let parent = None;
            levels.push(Level { column, parent });
        }
        // A level ends where one above it goes on.
        while levels.pop_if(|level| column < level.column).is_some() {
            above = None;
        }
        let Some(level) = levels.last() else {
            return Err(at("it stands left of the lines above it".to_owned()));
        };
        if column > level.column {
            if above.is_none() {
                let why = "it stands neither below a span nor beside one";
                return Err(at(why.to_owned()));
            }
            let parent = above;
            levels.push(Level { column, parent });
        }
        let parent = levels.last().and_then(|level| level.parent);
        above = wanted.add(parent, line.trim(), number).map_err(at)?;
    }
    Ok(wanted)
}

impl Wanted {
    fn siblings(&mut self, parent: Option<usize>) -> &mut Siblings {
        match parent {
            Some(parent) => &mut self.spans[parent].children,
            None => &mut self.top,
        }
    }

    /// Takes a line; returns the place of the span that it is.
    fn add(
        &mut self,
        parent: Option<usize>,
        text: &str,
        number: usize,
    ) -> Result<Option<usize>, String> {
        let owner = |what: &str| parent.ok_or_else(|| format!("{what} without a span above it"));
        if matches!(text, "…" | "...") {
            self.siblings(parent).more = true;
        } else if let Some(event) = text.strip_prefix("- ") {
            let owner = owner("an event")?;
            let event = Line::parse(event.trim_start())?;
            self.spans[owner].events.push(event);
        } else if let Some(link) = text.strip_prefix("> ") {
            let owner = owner("a link")?;
            self.spans[owner].links.push(link.trim_start().to_owned());
        } else {
            let place = self.spans.len();
            self.spans.push(Expected {
                line: Line::parse(text)?,
                number,
                events: Vec::new(),
                links: Vec::new(),
                children: Siblings::default(),
            });
            self.siblings(parent).spans.push(place);
            return Ok(Some(place));
        }
        Ok(None)
    }
}

/// Whether a captured span, with all below it, is an expected one; if not, why.
type Fit = Result<(), String>;
/// An expected span and a captured one, by their places.
type Pair = (usize, usize);

struct Compare<'a> {
    tree: &'a Tree<'a>,
    wanted: &'a Wanted,
    order: Order,
    /// What is known of the children of pairs.
    known: HashMap<Pair, Fit>,
}

impl<'a> Compare<'a> {
    fn new(tree: &'a Tree<'a>, wanted: &'a Wanted, order: Order) -> Self {
        Self {
            tree,
            wanted,
            order,
            known: HashMap::new(),
        }
    }

    /// Compares everything. A level that must know of pairs below it is asked again when that is known.
    fn all(mut self) -> Fit {
        let mut waiting: Vec<Pair> = Vec::new();
        loop {
            let pair = waiting.last().copied();
            let known = match pair {
                None => self.siblings(&self.wanted.top, &self.tree.roots, "the top level"),
                Some(pair) if self.known.contains_key(&pair) => {
                    waiting.pop();
                    continue;
                }
                Some((expected, at)) => {
                    let below = format!("the children of `{}`", self.name(at));
                    let children = &self.wanted.spans[expected].children;
                    self.siblings(children, self.tree.children(at), &below)
                }
            };
            match (known, pair) {
                (Err(unknown), _) => waiting.extend(unknown),
                (Ok(fit), None) => return fit,
                (Ok(fit), Some(pair)) => {
                    self.known.insert(pair, fit);
                    waiting.pop();
                }
            }
        }
    }

    /// # Errors
    /// With the pairs of whose children must be known before.
    fn siblings(
        &self,
        expected: &Siblings,
        found: &[usize],
        below: &str,
    ) -> Result<Fit, Vec<Pair>> {
        let spans = expected.spans.iter();
        let pairs: Vec<Pair> = match self.order {
            Order::Any => spans
                .flat_map(|e| found.iter().map(|at| (*e, *at)))
                .collect(),
            Order::AsBegun if expected.more => Vec::new(),
            Order::AsBegun => spans.copied().zip(found.iter().copied()).collect(),
        };
        let unknown = pairs.into_iter().filter(|pair| self.fit(*pair).is_none());
        let unknown: Vec<Pair> = unknown.collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        match self.order {
            Order::AsBegun => self.in_order(expected, found, below),
            Order::Any => Ok(self.in_any_order(expected, found, below)),
        }
    }

    /// Returns whether a pair fits; none as long as its children are not known.
    fn fit(&self, pair: Pair) -> Option<Fit> {
        let (expected, at) = (&self.wanted.spans[pair.0], pair.1);
        if let Err(why) = self.span(expected, at) {
            return Some(Err(why));
        }
        if expected.children.spans.is_empty() {
            let below = format!("the children of `{}`", self.name(at));
            let first = self.tree.children(at).first();
            let surplus = first.filter(|_| !expected.children.more);
            return Some(surplus.map_or(Ok(()), |at| Err(self.surplus(*at, &below))));
        }
        self.known.get(&pair).cloned()
    }

    fn in_order(
        &self,
        expected: &Siblings,
        found: &[usize],
        below: &str,
    ) -> Result<Fit, Vec<Pair>> {
        let mut left = found.iter().copied();
        for place in &expected.spans {
            let span = &self.wanted.spans[*place];
            // The first span of the same name is the nearest miss, and explains most.
            let mut why = None;
            loop {
                let Some(at) = left.next() else {
                    return Ok(Err(why.unwrap_or_else(|| missing(span, below))));
                };
                match self.fit((*place, at)).ok_or_else(|| vec![(*place, at)])? {
                    Ok(()) => break,
                    Err(reason) if !expected.more => return Ok(Err(reason)),
                    Err(reason) if self.tree.span(at).name == span.line.name => {
                        why.get_or_insert(reason);
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(match left.next() {
            Some(at) if !expected.more => Err(self.surplus(at, below)),
            _ => Ok(()),
        })
    }

    /// Finds a captured span for each expected one, by augmenting paths: a line may match several.
    fn in_any_order(&self, expected: &Siblings, found: &[usize], below: &str) -> Fit {
        let fit = |span: usize, at: usize| self.fit((span, at)).unwrap_or(Ok(()));
        let spans = expected.spans.iter();
        let fits: Vec<Vec<usize>> = spans
            .map(|span| {
                (0..found.len())
                    .filter(|at| fit(*span, found[*at]).is_ok())
                    .collect()
            })
            .collect();
        let mut owner: Vec<Option<usize>> = vec![None; found.len()];
        for (at, place) in expected.spans.iter().enumerate() {
            if assign(at, &fits, &mut owner) {
                continue;
            }
            let span = &self.wanted.spans[*place];
            let mut free = (0..found.len()).filter(|at| owner[*at].is_none());
            let alike = free.find(|at| self.name(found[*at]) == span.line.name);
            let why = alike.and_then(|at| fit(*place, found[at]).err());
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

    /// Compares two spans without their children.
    fn span(&self, expected: &Expected, at: usize) -> Fit {
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
        self.events(expected, span).or_else(fail)
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
fn assign(new: usize, fits: &[Vec<usize>], owner: &mut [Option<usize>]) -> bool {
    // Which expected span would take the place.
    let mut taker: Vec<Option<usize>> = vec![None; owner.len()];
    let mut waiting = VecDeque::from([new]);
    while let Some(at) = waiting.pop_front() {
        for &place in &fits[at] {
            if taker[place].is_some() {
                continue;
            }
            taker[place] = Some(at);
            if let Some(other) = owner[place] {
                waiting.push_back(other);
                continue;
            }
            // The place is free: everybody on the way here moves on by one.
            let mut place = place;
            while let Some(at) = taker[place] {
                let before = owner.iter().position(|owner| *owner == Some(at));
                owner[place] = Some(at);
                match before {
                    Some(before) => place = before,
                    None => return true,
                }
            }
        }
    }
    false
}
