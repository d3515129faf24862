use std::collections::HashMap;
use std::ffi::OsStr;

use super::*;
use crate::SpanContext;
use crate::trace::propagation::{Baggage, extract, inject};

/// The variables that a command sets or removes.
fn variables(command: &Command) -> HashMap<String, Option<String>> {
    let text = |s: &OsStr| s.to_str().unwrap().to_owned();
    command
        .get_envs()
        .map(|(name, value)| (text(name), value.map(text)))
        .collect()
}

#[test]
fn a_child_process_reads_what_its_parent_wrote() {
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    let context = SpanContext::from_traceparent(header).unwrap();
    let mut baggage = Baggage::new();
    baggage.insert("tenant", "a b").unwrap();
    let mut command = Command::new("worker");
    inject(&context, &mut command);
    baggage.inject(&mut command);

    let variables = variables(&command);
    assert_eq!(variables["TRACEPARENT"].as_deref(), Some(header));
    assert_eq!(variables["BAGGAGE"].as_deref(), Some("tenant=a%20b"));
    // The parent's own one would be another span's.
    assert_eq!(variables["TRACESTATE"], None);

    let child = Environment::read_from(|name| variables.get(name)?.clone().map(OsString::from));
    let caller = extract(&child);
    assert_eq!(caller.context(), Some(context));
    assert_eq!(caller.baggage(), &baggage);
    assert!(caller.trace_state().is_empty());
}

#[test]
fn values_that_are_no_text_are_absent() {
    let environment = Environment::read_from(|_| None);
    assert_eq!(
        extract(&environment),
        crate::trace::propagation::RemoteContext::default()
    );
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = |_: &str| Some(OsString::from_vec(vec![0xff, 0xfe]));
        let environment = Environment::read_from(bytes);
        assert_eq!(
            extract(&environment),
            crate::trace::propagation::RemoteContext::default()
        );
    }
}

#[test]
fn names_are_those_of_variables() {
    assert_eq!(variable_name("traceparent"), "TRACEPARENT");
    assert_eq!(variable_name("x-my.header"), "X_MY_HEADER");
}
