//! `LogRecord` (opentelemetry/proto/logs/v1/logs.proto).

use crate::callsite::Level;
use crate::exporter::otlp::attributes::{any, key_value};
use crate::exporter::otlp::batch::ITEMS;
use crate::exporter::otlp::protobuf::{bytes, fixed32, fixed64, long_message, message, text, uint};
use crate::logs::LogRecord;
use crate::trace::{AttributeValue, SpanLimits, ValueRef};

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

/// Returns `SeverityNumber` and its text (logs data model, "Field: SeverityNumber").
const fn severity(level: Level) -> (u64, &'static str) {
    match level {
        Level::Trace => (1, "TRACE"),
        Level::Debug => (5, "DEBUG"),
        Level::Info => (9, "INFO"),
        Level::Warn => (13, "WARN"),
        Level::Error => (17, "ERROR"),
    }
}

/// Appends the record as an item of a request.
pub(super) fn log_record(out: &mut Vec<u8>, record: &LogRecord, limits: SpanLimits) {
    let (number, name) = severity(record.level);
    long_message(out, ITEMS, |out| {
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

/// Appends every attribute once; of one key the last that was set. Returns how many the limit left out.
fn attributes(out: &mut Vec<u8>, record: &LogRecord, limits: SpanLimits) -> u64 {
    let all = &record.attributes;
    let mut count = 0;
    for (i, (key, value)) in all.iter().enumerate() {
        if all[i + 1..].iter().any(|(later, _)| later == key) {
            continue;
        }
        if count < u64::from(limits.attributes) {
            attribute(out, key, value, limits);
        }
        count += 1;
    }
    count.saturating_sub(u64::from(limits.attributes))
}

/// Appends an attribute, whose texts are cut to the allowed length.
fn attribute(out: &mut Vec<u8>, key: &str, value: &AttributeValue, limits: SpanLimits) {
    match value {
        AttributeValue::StringArray(_) if limits.value_length < u32::MAX => {
            let mut cut = value.clone();
            limits.cut(&mut cut);
            key_value(out, ATTRIBUTES, key, cut.as_ref());
        }
        _ => key_value(out, ATTRIBUTES, key, limits.value(value.as_ref())),
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
