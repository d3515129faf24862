use super::*;

fn value<'a>(resource: &'a Resource, key: &str) -> Option<&'a AttributeValue> {
    let mut all = resource.iter().filter(|(k, _)| k == key);
    let first = all.next().map(|(_, v)| v);
    assert!(all.next().is_none(), "{key} is there twice");
    first
}

#[test]
fn the_builder_wins_over_the_environment_over_what_is_detected() {
    let env = Environment {
        service_name: Some("from OTEL_SERVICE_NAME".to_owned()),
        resource: vec![
            (key::SERVICE_NAME.into(), "from the list".into()),
            (key::HOST_ARCH.into(), "from the list".into()),
            (key::OS_TYPE.into(), "from the list".into()),
        ],
        ..Environment::default()
    };
    let builder = Builder::default().resource_attribute(key::OS_TYPE, "from the builder");
    let resource = resolve(&builder, &env, true);
    assert_eq!(
        value(&resource, key::SERVICE_NAME),
        Some(&"from OTEL_SERVICE_NAME".into())
    );
    assert_eq!(
        value(&resource, key::HOST_ARCH),
        Some(&"from the list".into())
    );
    assert_eq!(
        value(&resource, key::OS_TYPE),
        Some(&"from the builder".into())
    );
    assert_eq!(
        value(&resource, key::PROCESS_RUNTIME_NAME),
        Some(&"rust".into())
    );
    let named = resolve(&builder.service_name("shop"), &env, true);
    assert_eq!(value(&named, key::SERVICE_NAME), Some(&"shop".into()));
}

#[test]
fn without_detection_only_the_service_is_described() {
    let resource = resolve(&Builder::default(), &Environment::default(), false);
    let keys: Vec<_> = resource.iter().map(|(key, _)| &**key).collect();
    let expected = [
        key::SERVICE_NAME,
        key::SERVICE_INSTANCE_ID,
        key::PROCESS_PID,
        key::TELEMETRY_SDK_NAME,
        key::TELEMETRY_SDK_LANGUAGE,
        key::TELEMETRY_SDK_VERSION,
    ];
    assert_eq!(keys, expected);
}
