//! The fields of the functions that run, as the log lines inside of them show them.
//!
//! A record of a call is written at its end, but a line needs the values while the call runs, those of
//! the functions around it too, and in traces that are not sampled. So where a formatter of lines is in
//! use ([`gate::keep_fields`]), calls begin the long way: one that has fields copies its values into a
//! node, which points to that of the call around it. The node lies in the late data of the call, so it
//! goes wherever the call's context goes. Other programs do nothing of this.

use core::ptr;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use crate::callsite::{Callsite, Construct, Written};
use crate::inside::Inside;
use crate::lock::lock;
use crate::redact::{MASK, is_secret_key};
use crate::trace::active::{Begun, mode};
use crate::trace::attribute::{AttributeValue, SpanExtra, ValueRef};
use crate::trace::gate;
use crate::trace::local::{Local, local};
use crate::trace::value::Value;

/// What the lines inside of a call show: its own fields, or those of the calls around it.
#[derive(Clone, Debug)]
pub(crate) struct LineFields {
    node: Arc<Node>,
    is_own: bool,
}

/// The fields of one call that runs.
#[derive(Debug)]
struct Node {
    site: &'static Callsite,
    /// What was recorded, each key once.
    said: Mutex<Vec<(&'static str, AttributeValue)>>,
    outer: Option<Arc<Self>>,
    /// How many nodes are around it.
    depth: usize,
}

/// The most functions around a line that it shows: a task that starts its successor in its own context
/// would be followed by all that came before.
const MOST: usize = 64;

impl Drop for Node {
    /// Frees the nodes around it one after the other: the calls may be nested deeper than a thread's stack.
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        while let Some(mut node) = outer.and_then(Arc::into_inner) {
            outer = node.outer.take();
        }
    }
}

/// Returns whether calls of a site evaluate fields. An empty key is the place of a name that becomes known
/// later.
fn has_values(site: &Callsite) -> bool {
    site.keys().iter().any(|key| !key.is_empty())
}

/// Returns whether the calls of a site have something to show that log lines do not have already.
pub(crate) fn has_fields(site: &Callsite) -> bool {
    let has_some = has_values(site) || !(site.declared().is_empty() && site.constants().is_empty());
    has_some && site.construct() != Construct::Tracing
}

/// Records a field of the call that runs here, for which there is no span that takes it.
pub(crate) fn record(what: impl FnOnce() -> Option<(Cow<'static, str>, AttributeValue)>) {
    // It is created before anything is locked: that may run code of the user's.
    if let Some(fields) = here().filter(|fields| fields.is_own)
        && let Some((key, value)) = what()
    {
        fields.record(&key, &value);
    }
}

/// Returns what the lines of this thread show, if a formatter of lines is in use.
pub(crate) fn here() -> Option<LineFields> {
    if gate::keeps_fields() {
        of(local().extra.get())
    } else {
        None
    }
}

fn of(extra: *mut SpanExtra) -> Option<LineFields> {
    // SAFETY: the late data of the entered span, which this thread alone uses.
    unsafe { extra.as_ref() }?.line_fields.clone()
}

/// Gives a call that begins what lines inside of it show, as its first late data. Its values are still to
/// come: `begun` waits for them.
pub(crate) fn begin(local: &Local, site: &'static Callsite, begun: &mut Begun) -> *mut SpanExtra {
    if !gate::keeps_fields() || begun.state & mode::SPAN == 0 {
        return ptr::null_mut();
    }
    // An allocator that is annotated comes back here for what is allocated below.
    let Some(_inside) = Inside::first() else {
        return ptr::null_mut();
    };
    // OpenTelemetry may have another parent for it, of another request.
    let is_around = begun.parent != 0 && begun.parent == local.span.get();
    let outer = if is_around {
        of(local.extra.get())
    } else {
        None
    };
    if !has_fields(site) {
        return late_data(outer.map(LineFields::of_another));
    }
    if has_values(site) && begun.state & mode::MASK != mode::PENDING {
        // Whether it is recorded is known: a flag of the context says so.
        begun.state = begun.state & !mode::MASK | mode::PENDING | mode::DECIDED;
    }
    let outer = outer.map(|outer| outer.node);
    let depth = outer.as_ref().map_or(0, |outer| outer.depth + 1);
    let outer = outer.filter(|_| depth % MOST != 0);
    let node = Node {
        site,
        said: Mutex::default(),
        outer,
        depth,
    };
    late_data(Some(LineFields {
        node: Arc::new(node),
        is_own: true,
    }))
}

/// Returns the first late data of a span that is entered; null if its lines show nothing.
pub(crate) fn late_data(line_fields: Option<LineFields>) -> *mut SpanExtra {
    if line_fields.is_none() {
        return ptr::null_mut();
    }
    let _inside = Inside::enter();
    Box::into_raw(Box::new(SpanExtra {
        line_fields,
        ..SpanExtra::default()
    }))
}

/// Takes over the first late data of a span whose holder keeps it.
///
/// # Safety
/// `extra` is null or from `Box::into_raw`, and nobody uses it any more.
pub(crate) unsafe fn take(extra: *mut SpanExtra) -> Option<LineFields> {
    if extra.is_null() {
        return None;
    }
    let _inside = Inside::enter();
    // SAFETY: the caller's promise.
    unsafe { Box::from_raw(extra) }.line_fields
}

/// Notes the values of the call whose late data this is.
///
/// # Safety
/// `extra` is null, or the late data of a span of this thread.
pub(crate) unsafe fn say(extra: *mut SpanExtra, values: &[Value]) {
    // SAFETY: the caller's promise.
    if let Some(fields) = (unsafe { extra.as_ref() }).and_then(|extra| extra.line_fields.as_ref()) {
        fields.say(values);
    }
}

/// Frees the late data of a span that is not recorded.
///
/// # Safety
/// `extra` is null or from `Box::into_raw`, and nobody uses it any more.
pub(crate) unsafe fn free(extra: *mut SpanExtra) {
    if !extra.is_null() {
        let _inside = Inside::enter();
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(extra) });
    }
}

impl LineFields {
    /// The same, for what is not the call itself.
    pub(crate) fn of_another(mut self) -> Self {
        self.is_own = false;
        self
    }

    /// Notes the values of the call.
    pub(crate) fn say(&self, values: &[Value]) {
        if !self.is_own {
            return;
        }
        let _inside = Inside::enter();
        let said = self.node.site.keys().iter().zip(values);
        let said = said.filter_map(|(key, value)| Some((*key, value.to_attribute()?)));
        lock(&self.node.said).extend(said);
    }

    /// Notes a field that the call records while it runs. As in `tracing`, only those are shown that the
    /// call has declared.
    pub(crate) fn record(&self, key: &str, value: &AttributeValue) {
        if !self.is_own {
            return;
        }
        let site = self.node.site;
        let keys = site.keys().iter().chain(site.declared()).copied();
        let mut keys = keys.chain(site.constants().iter().map(|(key, _)| *key));
        let Some(key) = keys.find(|k| *k == key) else {
            return;
        };
        let _inside = Inside::enter();
        // The macro has judged the names of the values that it takes itself.
        let value = if is_secret_key(key) {
            MASK.into()
        } else {
            value.clone()
        };
        let mut said = lock(&self.node.said);
        match said.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => said.push((key, value)),
        }
    }

    /// Calls `show` with each call that has fields, the outermost first: its name, and what it says.
    pub(crate) fn each(
        &self,
        mut show: impl FnMut(&'static str, &mut dyn Iterator<Item = (&str, ValueRef<'_>)>),
    ) {
        let nodes = core::iter::successors(Some(&self.node), |node| node.outer.as_ref());
        for node in nodes.collect::<Vec<_>>().into_iter().rev() {
            // Do not hold the lock while lines are written.
            let mut said = lock(&node.said).clone();
            let mut shown = Vec::new();
            for attribute in node.site.written() {
                let (key, constant) = match attribute {
                    Written::Constant(key, value) => (key, Some(value)),
                    Written::Key(_, key) => (key, None),
                };
                match (said.iter().position(|(k, _)| *k == key), constant) {
                    (Some(at), _) => shown.push(said.remove(at)),
                    (None, Some(value)) => shown.push((key, ValueRef::from(value).to_owned())),
                    (None, None) => {}
                }
            }
            // What was only declared comes as it was recorded.
            shown.extend(said);
            let mut shown = shown.iter().map(|(key, value)| (*key, value.as_ref()));
            show(node.site.name(), &mut shown);
        }
    }
}
