//! A span of `tracing` as it is kept in the extensions of its registry.
//!
//! The registry's lock is held while the data is changed, so the user's code must not run then:
//! [`FieldData::of`] runs it before.

use core::sync::atomic::{AtomicBool, Ordering};

use ::tracing::span::{Attributes, Id};

use super::site::{self, Site};
use super::values::{FieldData, KindVisitor};
use crate::callsite::SpanKind;
use crate::trace::attribute::SpanExtra;
use crate::trace::client_span::ClientSpan;
use crate::trace::line_fields::{self, LineFields};
use crate::trace::running::Running;
use crate::trace::stack::{self, Held, KeptSpan};
use crate::trace::{Link, Outcome, SpanContext, Value};

/// The data that obs keeps for a span.
pub(super) struct SpanData {
    pub(super) site: &'static Site,
    /// None if the span has no identity: it is not sampled, or more verbose than the level.
    kept: Option<KeptSpan>,
    /// The context in which the span was created, if it has no identity itself, and what log lines show
    /// there.
    around: Option<(SpanContext, Option<LineFields>)>,
    /// The values in the order of the fields.
    values: Vec<Value>,
    extra: SpanExtra,
    /// The ear of the model call around it, if it may be that of a client.
    client: Option<ClientSpan>,
    /// The span of obs that this one stands for, see `around.rs`.
    stands_for: Option<Running>,
    /// Whether this is a root that was not entered yet: a remote parent may still be found there.
    may_adopt: AtomicBool,
    /// What a layer that was taken away meanwhile did not see.
    _entries: Entries,
}

/// The entries of a span on its thread. A span that is gone is left there, and is no parent any more: a layer that was
/// exchanged while the span was entered has not seen it being left.
struct Entries(u64);

impl Drop for Entries {
    fn drop(&mut self) {
        stack::forget(self.0);
    }
}

impl SpanData {
    /// Begins a span under the thread's context.
    pub(super) fn begin(id: &Id, attributes: &Attributes<'_>) -> Self {
        let site = site::of(attributes.metadata());
        let mut kind = KindVisitor(SpanKind::Internal);
        if site.has_kind {
            attributes.record(&mut kind);
        }
        let mut said = FieldData::default();
        let begun = KeptSpan::begin(site.callsites.of(kind.0), || {
            said = FieldData::of(site, |visitor| attributes.record(visitor));
            let mut values = Vec::new();
            values.resize_with(site.roles.len(), || Value::NONE);
            said.fill(&mut values);
            values
        });
        let around = if begun.is_none() {
            SpanContext::current().map(|context| {
                let fields = line_fields::here();
                (context, fields.map(LineFields::of_another))
            })
        } else {
            None
        };
        let (kept, values) = begun.unzip();
        let client = client(site, attributes, values.as_deref().unwrap_or_default());
        let is_root = kept.as_ref().is_some_and(|kept| kept.manual.is_root());
        let mut this = Self {
            site,
            kept,
            around,
            values: values.unwrap_or_default(),
            extra: SpanExtra::default(),
            client,
            stands_for: None,
            may_adopt: AtomicBool::new(is_root && attributes.is_contextual()),
            _entries: Entries(id.into_u64()),
        };
        if this.is_recording() {
            this.set(said);
        }
        this
    }

    /// Stands for a span of obs that runs.
    pub(super) fn standing_for(running: Running, id: &Id, attributes: &Attributes<'_>) -> Self {
        Self {
            site: site::of(attributes.metadata()),
            kept: None,
            around: Some((running.context(), running.line_fields())),
            values: Vec::new(),
            extra: SpanExtra::default(),
            client: None,
            stands_for: Some(running),
            may_adopt: AtomicBool::new(false),
            _entries: Entries(id.into_u64()),
        }
    }

    /// Returns whether fields that come later have a place.
    pub(super) fn takes_fields(&self) -> bool {
        self.is_recording() || self.stands_for.is_some() || self.client.is_some()
    }

    pub(super) fn is_recording(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| kept.manual.is_recording())
    }

    /// Returns the context inside the span.
    pub(super) fn context(&self) -> Option<SpanContext> {
        match &self.kept {
            Some(kept) => kept.manual.context(),
            None => self.around.as_ref().map(|(context, _)| *context),
        }
    }

    /// Returns what log lines inside the span show of the functions around it.
    pub(super) fn line_fields(&self) -> Option<&LineFields> {
        match &self.kept {
            Some(kept) => kept.manual.line_fields.as_ref(),
            None => self.around.as_ref()?.1.as_ref(),
        }
    }

    pub(super) fn set(&mut self, mut said: FieldData) {
        if let Some(running) = &self.stands_for {
            running.change(|extra| said.tell(self.site, extra));
            return;
        }
        if let Some(client) = &mut self.client {
            said.say(self.site, client);
        }
        said.fill(&mut self.values);
        if let Some(name) = said.name.take() {
            self.extra.name = Some(name.into());
        }
        if let Some(error) = said.error() {
            self.extra.error = Some(error);
        } else if let (Some(error), Some(message)) = (&mut self.extra.error, said.message) {
            error.message = Some(message);
        }
    }

    /// Returns whether the first entry should look for a remote parent.
    pub(super) fn may_adopt(&self) -> bool {
        self.may_adopt.load(Ordering::Relaxed)
    }

    /// Looks for the parent at the first entry of a root: an attached context is the parent if it
    /// comes from another process.
    pub(super) fn adopt(&mut self) {
        self.may_adopt.store(false, Ordering::Relaxed);
        let is_remote = SpanContext::current().is_some_and(|c| c.is_remote());
        if is_remote && let Some(kept) = self.kept.take() {
            let values = core::mem::take(&mut self.values);
            let (again, values) = kept.begin_again(values);
            self.kept = Some(again);
            self.values = values;
        }
    }

    pub(super) fn enter(&self, key: u64) {
        match (&self.kept, &self.around) {
            (Some(kept), _) => stack::enter(key, &Held::Span(kept)),
            (None, Some((context, fields))) => {
                stack::enter(key, &Held::Through(context, fields.as_ref()));
            }
            (None, None) => {}
        }
    }

    /// Adds the late data that came while the span was entered.
    pub(super) fn merge(&mut self, late: SpanExtra) {
        self.extra.merge(late);
    }

    /// Changes what is not a field, if the span is recorded.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut SpanExtra)) {
        if let Some(running) = &self.stands_for {
            running.change(change);
        } else if self.is_recording() {
            change(&mut self.extra);
        }
    }

    pub(super) fn link(&mut self, context: SpanContext) {
        self.change(|extra| extra.add_link(Link::to(context)));
    }

    /// Ends the span.
    pub(super) fn end(mut self) {
        let Some(mut kept) = self.kept else {
            if let Some(client) = self.client {
                client.end_unseen();
            }
            return;
        };
        if let Some(client) = self.client {
            let keys = self.site.keys();
            client.end(&mut kept.manual, keys, &mut self.values, &mut self.extra);
        }
        let outcome = if self.extra.error.is_some() {
            Outcome::Error
        } else {
            Outcome::Ok
        };
        kept.end(outcome, self.values, self.extra);
    }
}

/// Begins to listen to a span, if it may be that of a client inside a call that is about the same request.
fn client(
    site: &'static Site,
    attributes: &Attributes<'_>,
    values: &[Value],
) -> Option<ClientSpan> {
    if !site.is_of_client {
        return None;
    }
    let mut client = ClientSpan::begin(site.callsites.of(SpanKind::Internal))?;
    if values.is_empty() {
        // It is not recorded. Accounts do not depend on that.
        FieldData::of(site, |visitor| attributes.record(visitor)).say(site, &mut client);
    } else {
        for (key, value) in site.keys().iter().zip(values) {
            if let Some(value) = value.to_attribute() {
                client.says(key, &value);
            }
        }
    }
    Some(client)
}
