use super::*;

fn said(operation: &str, provider: &str, model: &str) -> [Option<String>; 3] {
    [operation, provider, model].map(|part| (!part.is_empty()).then(|| part.to_owned()))
}

#[test]
fn what_a_span_is_about_is_compared_by_what_it_has_said() {
    let call = LlmCall::new("gcp.gemini", "chat", "gemini-2.5-flash");
    for (same, [operation, provider, model]) in [
        (true, ["chat", "gcp.gemini", "gemini-2.5-flash"]),
        (true, ["generate_content", "gemini", "Gemini-2.5-Flash"]),
        (true, ["", "", ""]),
        (true, ["chat", "openai", "gemini-2.5-flash"]),
        (false, ["embeddings", "gcp.gemini", "gemini-2.5-flash"]),
        (false, ["execute_tool", "", ""]),
        (false, ["chat", "anthropic", ""]),
        (false, ["chat", "gcp.gemini", "gemini-2.5-pro"]),
    ] {
        let [o, p, m] = said(operation, provider, model);
        assert_eq!(
            is_of(&call, [&o, &p, &m]),
            same,
            "{operation} {provider} {model}"
        );
    }
    // A call whose model is not known, with an operation of its own.
    let call = LlmCall::new("house", "rerank", "");
    let [o, p, m] = said("rerank", "house", "any");
    assert!(is_of(&call, [&o, &p, &m]));
    let [o, p, m] = said("transcription", "house", "any");
    assert!(!is_of(&call, [&o, &p, &m]));
}

#[test]
fn reasons_are_a_list_its_json_or_one() {
    let list = AttributeValue::StringArray(vec!["stop".into(), "tool_calls".into()]);
    let json = AttributeValue::from(r#"["stop","tool_calls"]"#);
    let expected = LlmResponse::new().finish(0, "stop").finish(1, "tool_call");
    assert_eq!(
        (finished(&list), finished(&json)),
        (expected.clone(), expected)
    );
    let one = finished(&AttributeValue::from("length"));
    assert_eq!(one, LlmResponse::new().finish(0, "length"));
    assert_eq!(finished(&AttributeValue::from(3)), LlmResponse::new());
}

#[test]
fn names_of_old_conventions_are_counts_too() {
    let count = AttributeValue::from(5);
    let of = |key| tokens(key, &count).unwrap();
    assert_eq!(of("gen_ai.usage.prompt_tokens"), Usage::input(5));
    assert_eq!(
        of("gen_ai.usage.cache_creation.input_tokens").cache_write_tokens(),
        Some(5)
    );
    assert_eq!(
        of("gen_ai.usage.reasoning_tokens").reasoning_tokens(),
        Some(5)
    );
    assert_eq!(
        tokens("gen_ai.usage.input_tokens", &AttributeValue::from("5")),
        None
    );
    assert!(
        tokens("gen_ai.usage.input_tokens", &AttributeValue::from(-5))
            .unwrap()
            .is_impossible()
    );
}
