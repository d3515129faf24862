use super::*;

fn value<'a>(resource: &'a Resource, key: &str) -> Option<&'a AttributeValue> {
    let mut all = resource.iter().filter(|(k, _)| k == key);
    let first = all.next().map(|(_, v)| v);
    assert!(all.next().is_none(), "{key} is there twice");
    first
}

#[test]
fn what_is_given_wins_over_what_is_detected_over_the_defaults() {
    let given: Resource = vec![
        (key::SERVICE_NAME.into(), "shop".into()),
        (key::HOST_ARCH.into(), "given".into()),
        ("team".into(), "a".into()),
    ];
    let fallback: Resource = vec![
        (key::SERVICE_NAME.into(), "the binary".into()),
        (key::SERVICE_VERSION.into(), "1.2.3".into()),
    ];
    let resource = describe(&given, fallback, true);
    for (key, expected) in [
        (key::SERVICE_NAME, "shop"),
        (key::SERVICE_VERSION, "1.2.3"),
        (key::HOST_ARCH, "given"),
        ("team", "a"),
        (key::PROCESS_RUNTIME_NAME, "rust"),
        (key::TELEMETRY_SDK_NAME, "obs"),
    ] {
        assert_eq!(value(&resource, key), Some(&expected.into()), "{key}");
    }
}

#[test]
fn without_detection_only_the_service_is_described() {
    let resource = describe(&Resource::new(), Resource::new(), false);
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
