//! The subscriber that `around` makes, beside layers that ask for the current span themselves.

use obs_runtime::interop::tracing::{around, layer};
use obs_runtime::{testing, traced};
use obs_tests::own_process;
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Span, Subscriber, info_span, subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry;

/// A layer that asks for the current span wherever it is asked itself.
struct Curious;

impl<S: Subscriber> Layer<S> for Curious {
    fn enabled(&self, _: &Metadata<'_>, _: Context<'_, S>) -> bool {
        drop(Span::current());
        true
    }

    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        drop(Span::current());
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        drop(Span::current());
    }
}

// bug: each question made a span, of which the layer asked the same question, until the stack ended.
#[test]
fn a_layer_may_ask_for_the_current_span() {
    #[traced(fields(n))]
    fn call() {
        Span::current().record("n", 1);
        info_span!("theirs").in_scope(|| ());
        Span::current().in_scope(inner);
    }
    #[traced]
    fn inner() {}
    own_process!();
    // Only a subscriber that is everybody's is asked again while it is asked.
    subscriber::set_global_default(around(registry().with(layer()).with(Curious))).unwrap();
    let captured = testing::capture(call);
    captured.assert_tree("call n=1\n  theirs\n  inner");
}

#[test]
fn a_layer_that_panics_leaves_the_answers_as_they_were() {
    struct Panics;
    impl<S: Subscriber> Layer<S> for Panics {
        fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            assert!(std::thread::panicking(), "as if by mistake");
        }
    }
    #[traced(fields(n))]
    fn call() {
        let broken = around(registry().with(layer()).with(Panics));
        let asked = subscriber::with_default(broken, || std::panic::catch_unwind(Span::current));
        asked.unwrap_err();
        let own = around(registry().with(layer()));
        subscriber::with_default(own, || {
            Span::current().record("n", 1);
        });
    }
    testing::capture(call).assert_tree("call n=1");
}

// bug: an answer that nobody took was remembered by its subscriber's address. At the same address, the next subscriber's
// first span was taken for it, and was closed while it still had an owner.
#[test]
fn a_subscriber_does_not_take_over_what_stood_in_its_place() {
    #[traced]
    fn call() {
        let mut own = around(registry().with(layer()));
        let unowned = own.current_span();
        own = around(registry().with(layer()));
        let theirs = info_span!("theirs");
        let metadata = unowned.metadata().or(theirs.metadata()).unwrap();
        let id = own.new_span(&Attributes::new(
            metadata,
            &metadata.fields().value_set(&[]),
        ));
        // The premise: what was remembered has the same number.
        assert_eq!(unowned.id(), Some(&id));
        let owner = own.clone_span(&id);
        assert!(!own.try_close(id));
        assert!(own.try_close(owner));
    }
    testing::capture(call);
}
