use super::*;

fn value<'a>(found: &'a Found, key: &str) -> Option<&'a AttributeValue> {
    found.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
}

#[test]
fn the_release_of_the_system_is_read_as_a_shell_would() {
    let mut found = Found::new();
    let text = "# a comment\nNAME='Linux \\x'\nVERSION_ID=12\n PRETTY_NAME=\"A \\\"good\\\" one\"\nNAMES=no\nBROKEN";
    os_release(text, &mut found);
    let expected = [
        (key::OS_NAME, "Linux \\x".into()),
        (key::OS_VERSION, "12".into()),
        (key::OS_DESCRIPTION, "A \"good\" one".into()),
    ];
    assert_eq!(found, expected);
    let mut none = Found::new();
    os_release("NAME=\"\"\nVERSION_ID=\n\"", &mut none);
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn the_downward_api_counts_in_a_cluster_only() {
    let vars = |name: &str| match name {
        "POD_NAME" => Some(" shop-7c9 ".to_owned()),
        "K8S_NODE_NAME" => Some("node-1".to_owned()),
        "NODE_NAME" => Some("other".to_owned()),
        "K8S_NAMESPACE_NAME" => Some(String::new()),
        "POD_NAMESPACE" => Some("shop".to_owned()),
        _ => None,
    };
    let mut found = Found::new();
    kubernetes(vars, &mut found);
    assert!(found.is_empty());
    kubernetes(
        |name| vars(name).or((name == "KUBERNETES_SERVICE_HOST").then(String::new)),
        &mut found,
    );
    assert_eq!(value(&found, key::K8S_POD_NAME), Some(&"shop-7c9".into()));
    assert_eq!(value(&found, key::K8S_NODE_NAME), Some(&"node-1".into()));
    assert_eq!(value(&found, key::K8S_NAMESPACE_NAME), Some(&"shop".into()));
    assert_eq!(found.len(), 3);
}

#[test]
fn this_machine_says_something() {
    let found = all();
    assert_eq!(
        value(found, key::PROCESS_RUNTIME_NAME),
        Some(&"rust".into())
    );
    assert!(value(found, key::HOST_ARCH).is_some() && value(found, key::OS_TYPE).is_some());
    let exe = value(found, key::PROCESS_EXECUTABLE_NAME);
    assert!(
        matches!(exe, Some(AttributeValue::String(name)) if name.contains("obs_runtime")),
        "{exe:?}"
    );
}

#[test]
fn a_file_without_end_is_read_up_to_a_bound() {
    if cfg!(target_os = "linux") {
        assert_eq!(
            read("/dev/zero").map(|text| text.len()),
            Some(MOST_BYTES as usize)
        );
    }
    assert!(read("/nowhere/at/all").is_none());
    assert!(read("/").is_none());
}
