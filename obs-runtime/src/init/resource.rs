//! What describes the process in every export (OpenTelemetry semantic conventions, "Resource").

mod container;
mod detect;

use std::borrow::Cow;

use crate::scope::Resource;
use crate::semconv::attribute as key;
use crate::trace::attribute::AttributeValue;
use crate::trace::local::local;
use crate::uuid::uuid;

/// What is given over what is detected over the defaults; each key once.
///
/// `fallback` are defaults of the program.
pub(super) fn describe(given: &Resource, fallback: Resource, detects: bool) -> Resource {
    let local = local();
    // A random UUID, which has no meaning but to tell processes apart.
    let instance_id = uuid(4, local.next_id(), local.next_id());
    let mut resource: Resource = vec![
        (key::SERVICE_NAME.into(), default_name().into()),
        (key::SERVICE_INSTANCE_ID.into(), instance_id.into()),
        (key::PROCESS_PID.into(), std::process::id().into()),
        (key::TELEMETRY_SDK_NAME.into(), "obs".into()),
        (key::TELEMETRY_SDK_LANGUAGE.into(), "rust".into()),
        (
            key::TELEMETRY_SDK_VERSION.into(),
            env!("CARGO_PKG_VERSION").into(),
        ),
    ];
    set_all(&mut resource, fallback);
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

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
