//! A program that takes its caller from the environment: prints what it sees and records. With the argument
//! `installed` it also starts obs, so that the variables of OpenTelemetry count, and prints what it would send on; with
//! `headers` it prints that in full.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::collections::{BTreeSet, HashMap};

use obs_runtime::propagation::{self, Environment};
use obs_runtime::{Error, Observability, testing, traced};

#[traced]
fn work() {}

/// What goes out inside of a span, by both ways, as lines of names and values.
#[traced]
fn send() {
    use opentelemetry::{Context, global};

    let mut headers = HashMap::new();
    propagation::inject_current(&mut headers);
    propagation::extract(&Environment::read())
        .baggage()
        .inject(&mut headers);
    let names = |headers: HashMap<String, String>| {
        let names: BTreeSet<String> = headers.into_keys().collect();
        names.into_iter().collect::<Vec<_>>().join(" ")
    };
    println!("{}", names(headers));
    let mut theirs = HashMap::new();
    let cx = Context::current();
    global::get_text_map_propagator(|p| p.inject_context(&cx, &mut theirs));
    println!("{}", names(theirs));
}

fn installed() -> Result<(), Error> {
    let obs = Observability::builder().opentelemetry(true).install()?;
    let caller = propagation::extract(&Environment::read());
    println!("{} {}", caller.context().is_some(), caller.baggage());
    send();
    println!("{}", obs.health().problems.join("; "));
    obs.shutdown()
}

/// What goes out inside of a span under the caller, by both ways, each extracting for itself.
fn headers() -> Result<(), Error> {
    use obs_runtime::{SpanContext, propagation::Extractor};
    use opentelemetry::{Context, global};

    struct Theirs(Environment);
    impl opentelemetry::propagation::Extractor for Theirs {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)
        }
        fn keys(&self) -> Vec<&str> {
            Vec::new()
        }
    }
    #[traced]
    fn send(inject: impl Fn(&mut HashMap<String, String>)) -> (HashMap<String, String>, String) {
        let mut headers = HashMap::new();
        inject(&mut headers);
        let context = SpanContext::current().map(|c| c.span_id().to_string());
        (headers, context.unwrap_or_default())
    }

    let obs = Observability::builder().opentelemetry(true).install()?;
    let caller = propagation::extract(&Environment::read());
    let inside = caller.attach();
    let (mut ours, span) = send(|headers| {
        propagation::inject_current(headers);
    });
    drop(inside);
    let theirs = Theirs(Environment::read());
    let cx = global::get_text_map_propagator(|p| p.extract_with_context(&Context::new(), &theirs));
    let guard = cx.attach();
    let (mut theirs, other) = send(|headers| {
        global::get_text_map_propagator(|p| p.inject(headers));
    });
    drop(guard);
    for sent in [&mut ours, &mut theirs] {
        // Two spans, one name: their headers can be compared.
        for value in sent.values_mut() {
            *value = value.replace(&other, &span);
        }
    }
    println!("span {span}");
    for (who, headers) in [("ours", ours), ("theirs", theirs)] {
        for (name, value) in headers {
            println!("{who} {name}={value}");
        }
    }
    obs.shutdown()
}

fn main() -> Result<(), Error> {
    if std::env::args().nth(1).is_some_and(|arg| arg == "headers") {
        return headers();
    }
    if std::env::args()
        .nth(1)
        .is_some_and(|arg| arg == "installed")
    {
        return installed();
    }
    let caller = propagation::extract(&Environment::read());
    let captured = testing::capture(|| {
        let _inside = caller.attach();
        work();
    });
    let span = captured.span("work");
    println!("{}", span.trace_id);
    println!("{:?} {}", span.parent_id, span.parent_is_remote);
    println!("{}", caller.trace_state());
    println!("{}", caller.baggage());
    Ok(())
}
