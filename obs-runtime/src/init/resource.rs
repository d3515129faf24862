//! What describes the process in every export (OpenTelemetry semantic conventions, "Resource").

mod container;
mod detect;

use std::borrow::Cow;

use crate::scope::Resource;
use crate::semconv::attribute as key;
use crate::trace::attribute::AttributeValue;

/// What is given over what is detected over the defaults; each key once.
pub(super) fn describe(given: &Resource, detects: bool) -> Resource {
    let mut resource: Resource = vec![
        (key::SERVICE_NAME.into(), default_name().into()),
        (key::SERVICE_INSTANCE_ID.into(), instance_id().into()),
        (key::PROCESS_PID.into(), std::process::id().into()),
        (key::TELEMETRY_SDK_NAME.into(), "obs".into()),
        (key::TELEMETRY_SDK_LANGUAGE.into(), "rust".into()),
        (
            key::TELEMETRY_SDK_VERSION.into(),
            env!("CARGO_PKG_VERSION").into(),
        ),
    ];
    if detects {
        let detected = detect::all().iter();
        let detected = detected.map(|(key, value)| ((*key).into(), value.clone()));
        set_all(&mut resource, detected);
    }
    set_all(&mut resource, given.iter().cloned());
    resource
}

/// Sets attributes; a later one of a key replaces the earlier one.
pub(super) fn set_all(
    resource: &mut Resource,
    attributes: impl IntoIterator<Item = (Cow<'static, str>, AttributeValue)>,
) {
    for (key, value) in attributes {
        match resource.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => resource.push((key, value)),
        }
    }
}

/// "Service" conventions: without a name, `unknown_service:` and the executable's.
fn default_name() -> String {
    match detect::executable() {
        Some(name) => format!("unknown_service:{name}"),
        None => "unknown_service".to_owned(),
    }
}

/// A random UUID of version 4 (RFC 9562, section 5.4).
fn instance_id() -> String {
    let local = crate::trace::local::local();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&local.next_id().to_be_bytes());
    bytes[8..].copy_from_slice(&local.next_id().to_be_bytes());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
