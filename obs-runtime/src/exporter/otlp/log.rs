//! `LogRecord` (opentelemetry/proto/logs/v1/logs.proto), and requests of them: those of one target lie
//! together under a scope of that name.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::callsite::Level;
use crate::exporter::otlp::attributes::{any, key_value};
use crate::exporter::otlp::batch::{Batch, Envelope};
use crate::exporter::otlp::log_limits::LogLimits;
use crate::exporter::otlp::protobuf::{bytes, fixed32, fixed64, long_message, message, text, uint};
use crate::logs::LogRecord;
use crate::trace::ValueRef;

const TIME: u32 = 1;
const SEVERITY_NUMBER: u32 = 2;
const SEVERITY_TEXT: u32 = 3;
const BODY: u32 = 5;
const ATTRIBUTES: u32 = 6;
const DROPPED_ATTRIBUTES: u32 = 7;
const FLAGS: u32 = 8;
const TRACE_ID: u32 = 9;
const SPAN_ID: u32 = 10;
const OBSERVED_TIME: u32 = 11;
const EVENT_NAME: u32 = 12;

/// `SeverityNumber` and text (logs data model, "Field: SeverityNumber").
const fn severity(level: Level) -> (u64, &'static str) {
    match level {
        Level::Trace => (1, "TRACE"),
        Level::Debug => (5, "DEBUG"),
        Level::Info => (9, "INFO"),
        Level::Warn => (13, "WARN"),
        Level::Error => (17, "ERROR"),
    }
}

/// Appends the record as field number `field`.
pub(super) fn log_record(out: &mut Vec<u8>, field: u32, record: &LogRecord, limits: LogLimits) {
    let (number, name) = severity(record.level);
    long_message(out, field, |out| {
        fixed64(out, TIME, record.unix_nanos);
        uint(out, SEVERITY_NUMBER, number);
        text(out, SEVERITY_TEXT, name);
        if let Some(body) = &record.body {
            message(out, BODY, |out| any(out, ValueRef::Str(body)));
        }
        let over = attributes(out, record, limits);
        if over > 0 {
            uint(out, DROPPED_ATTRIBUTES, over);
        }
        if let Some(context) = &record.context {
            fixed32(out, FLAGS, u32::from(context.flags.bits()));
            bytes(out, TRACE_ID, &context.trace_id.to_bytes());
            bytes(out, SPAN_ID, &context.span_id.to_bytes());
        }
        fixed64(out, OBSERVED_TIME, record.unix_nanos);
        if let Some(name) = &record.event_name {
            text(out, EVENT_NAME, name);
        }
    });
}

/// Every attribute once; of one key the last that was set. Returns how many the limit left out.
fn attributes(out: &mut Vec<u8>, record: &LogRecord, limits: LogLimits) -> u64 {
    let all = &record.attributes;
    let mut count = 0;
    for (i, (key, value)) in all.iter().enumerate() {
        if all[i + 1..].iter().any(|(later, _)| later == key) {
            continue;
        }
        if count < u64::from(limits.attributes) {
            limits.with_value(value, |value| key_value(out, ATTRIBUTES, key, value));
        }
        count += 1;
    }
    count.saturating_sub(u64::from(limits.attributes))
}

/// A request that is being filled.
#[derive(Debug, Default)]
pub(super) struct OpenLogs {
    /// Name of a scope and its encoded records.
    scopes: Vec<(Cow<'static, str>, Vec<u8>)>,
    by_target: HashMap<Cow<'static, str>, usize>,
    pub(super) items: u64,
    /// Encoded bytes.
    pub(super) len: usize,
}

/// What a scope needs beside its name and its records, at most.
const SCOPE_OVERHEAD: usize = 24;

impl OpenLogs {
    /// The most bytes by which the request grows with an encoded record.
    pub(super) fn growth(target: &str, record: &[u8]) -> usize {
        target.len() + SCOPE_OVERHEAD + record.len()
    }

    /// Adds a record that was encoded as an item.
    pub(super) fn add(&mut self, record: &LogRecord, encoded: &[u8]) {
        let target = &record.target;
        let index = if let Some(index) = self.by_target.get(target) {
            *index
        } else {
            self.len += target.len() + SCOPE_OVERHEAD;
            self.scopes.push((target.clone(), Vec::new()));
            let index = self.scopes.len() - 1;
            self.by_target.insert(target.clone(), index);
            index
        };
        self.scopes[index].1.extend_from_slice(encoded);
        self.len += encoded.len();
        self.items += 1;
    }

    /// Ends the request, and begins another in its place; `spare` is memory of an earlier one.
    pub(super) fn finish(&mut self, envelope: &Envelope, spare: Vec<u8>) -> Batch {
        let full = core::mem::take(self);
        envelope.finish_scopes(&full.scopes, full.items, spare)
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
