//! What describes the process in every export (OpenTelemetry semantic conventions, "Resource").

mod container;
mod detect;

use std::borrow::Cow;

use crate::init::builder::Builder;
use crate::init::env::Environment;
use crate::semconv::attribute as key;
use crate::trace::attribute::AttributeValue;

pub(crate) type Resource = Vec<(Cow<'static, str>, AttributeValue)>;

/// Builder over environment over what is detected over defaults; each key once.
pub(crate) fn resolve(builder: &Builder, env: &Environment, detects: bool) -> Resource {
    let mut resource: Resource = Vec::new();
    let mut set = |key: Cow<'static, str>, value: AttributeValue| match resource
        .iter_mut()
        .find(|(k, _)| *k == key)
    {
        Some((_, old)) => *old = value,
        None => resource.push((key, value)),
    };
    set(key::SERVICE_NAME.into(), default_name().into());
    set(key::SERVICE_INSTANCE_ID.into(), instance_id().into());
    set(key::PROCESS_PID.into(), std::process::id().into());
    set(key::TELEMETRY_SDK_NAME.into(), "obs".into());
    set(key::TELEMETRY_SDK_LANGUAGE.into(), "rust".into());
    set(
        key::TELEMETRY_SDK_VERSION.into(),
        env!("CARGO_PKG_VERSION").into(),
    );
    if detects {
        for (key, value) in detect::all() {
            set((*key).into(), value.clone());
        }
    }
    for (key, value) in &env.resource {
        set(key.clone(), value.clone());
    }
    if let Some(name) = &env.service_name {
        set(key::SERVICE_NAME.into(), name.clone().into());
    }
    for (key, value) in &builder.resource {
        set(key.clone(), value.clone());
    }
    let named = [
        (key::SERVICE_NAME, &builder.service_name),
        (key::SERVICE_VERSION, &builder.service_version),
        (key::DEPLOYMENT_ENVIRONMENT_NAME, &builder.environment),
    ];
    for (key, value) in named {
        if let Some(value) = value {
            set(key.into(), value.clone().into());
        }
    }
    resource
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
