//! Values that only `parent`, `links` or `follows_from` name live as long as the call.

use obs_runtime::propagation::IntoParent;
use obs_runtime::testing::{capture, capture_with};
use obs_runtime::{Observability, Sampler, Span, SpanContext, span, traced};
use obs_tests::cases::{Noisy, block_on, cancel, ended, note, notes, tree, yield_now};

#[traced]
fn leaf() {}

#[traced(parent = request)]
fn guard(request: Span) {
    leaf();
}

#[traced(parent = request, fields(n))]
fn with_field(request: Span, n: u8) {
    leaf();
}

#[traced(parent = request)]
fn with_result(n: u8, request: Option<Span>) -> Result<u8, String> {
    leaf();
    Ok(n)
}

#[traced(parent = request)]
#[track_caller]
fn block(request: Span) -> Result<u8, String> {
    leaf();
    Ok(1)
}

#[traced(parent = request)]
async fn future(request: Span) -> u8 {
    leaf();
    yield_now().await;
    1
}

struct Client(u8);

impl Client {
    #[traced(parent = request)]
    fn send(&self, request: Span) -> u8 {
        leaf();
        self.0
    }

    #[traced(parent = request)]
    async fn send_later(&mut self, request: Span) {
        leaf();
        yield_now().await;
    }
}

// bug: the value was dropped before the body, and the parent ended before its child.
#[test]
fn a_parent_that_is_given_away_ends_after_its_child() {
    type Call = (&'static str, fn(Span));
    let calls: [Call; 7] = [
        ("guard", guard),
        ("with_field", |request| with_field(request, 1)),
        ("with_result", |request| {
            with_result(1, Some(request)).unwrap();
        }),
        ("block", |request| {
            block(request).unwrap();
        }),
        ("future", |request| {
            block_on(future(request));
        }),
        ("send", |request| {
            Client(1).send(request);
        }),
        ("send_later", |request| {
            block_on(Client(1).send_later(request));
        }),
    ];
    for (name, call) in calls {
        let captured = capture(|| call(span!("request")));
        let expected = [
            format!("leaf < {name}"),
            format!("{name} < request"),
            "request < -".to_owned(),
        ];
        assert_eq!(tree(&captured), expected);
    }
    let captured = capture(|| cancel(future(span!("request"))));
    assert_eq!(
        ended(&captured),
        ["leaf ok", "future cancelled", "request ok"]
    );
}

#[test]
fn a_parent_of_tracing_that_is_given_away_ends_after_its_child() {
    #[traced(parent = request)]
    fn sync(request: tracing::Span) {
        leaf();
    }
    #[traced(parent = request)]
    async fn future(request: tracing::Span) {
        leaf();
        yield_now().await;
    }
    let captured = obs_tests::tracing_capture::capture(|| {
        sync(tracing::info_span!("first"));
        block_on(future(tracing::info_span!("second")));
    });
    let expected = [
        "leaf < sync",
        "sync < first",
        "first < -",
        "leaf < future",
        "future < second",
        "second < -",
    ];
    assert_eq!(tree(&captured), expected);
}

/// Notes when it is dropped.
struct Permit(#[expect(dead_code, reason = "it notes")] Noisy);

impl IntoParent for Permit {
    fn parent(&self) -> Option<SpanContext> {
        None
    }
}

// bug: as above, whether or not the call is recorded.
#[test]
fn what_a_parent_holds_is_held_during_the_call() {
    #[traced(parent = permit)]
    fn sync(permit: Permit) {
        note("body");
    }
    #[traced(parent = permit)]
    async fn future(permit: Permit) {
        yield_now().await;
        note("body");
    }
    let calls = || {
        sync(Permit(Noisy("permit")));
        block_on(future(Permit(Noisy("permit"))));
        drop(future(Permit(Noisy("permit"))));
    };
    let expected = ["body", "permit", "body", "permit", "permit"];
    calls();
    assert_eq!(notes(), expected);
    capture(calls);
    assert_eq!(notes(), expected);
}

/// What gives links when it is gone through, and notes when it is dropped.
struct Causes(
    Vec<SpanContext>,
    #[expect(dead_code, reason = "it notes")] Noisy,
);

impl Iterator for Causes {
    type Item = SpanContext;

    fn next(&mut self) -> Option<SpanContext> {
        self.0.pop()
    }
}

// bug: the value was dropped before the body.
#[test]
fn what_gives_links_is_held_during_the_call() {
    #[traced(links = cause)]
    fn sync(cause: Span) {
        leaf();
    }
    #[traced(follows_from = causes)]
    fn with_value(causes: Vec<Span>) -> Result<u8, String> {
        leaf();
        Ok(1)
    }
    #[traced(links = cause, follows_from = causes)]
    async fn future(cause: Option<Span>, causes: [Span; 1]) {
        leaf();
        yield_now().await;
    }
    let calls = || {
        sync(span!("cause"));
        with_value(vec![span!("cause")]).unwrap();
        block_on(future(Some(span!("cause")), [span!("cause")]));
    };
    let captured = capture(calls);
    let expected = [
        "leaf < sync",
        "cause < -",
        "sync < -",
        "leaf < with_value",
        "cause < -",
        "with_value < -",
        "leaf < future",
        "cause < -",
        "cause < -",
        "future < -",
    ];
    assert_eq!(tree(&captured), expected);
    for (name, links) in [("sync", 1), ("with_value", 1), ("future", 2)] {
        assert_eq!(captured.span(name).links.len(), links, "{name}");
    }
}

#[test]
fn what_is_gone_through_is_used_up() {
    #[traced(links = causes)]
    fn call(causes: Causes) {
        note("body");
    }
    let call = || call(Causes(Vec::new(), Noisy("causes")));
    capture(call);
    assert_eq!(notes(), ["causes", "body"]);
    let none = Observability::builder().sampler(Sampler::always_off());
    capture_with(none, call).unwrap();
    assert_eq!(notes(), ["body", "causes"]);
}
