use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::*;
use crate::callsite::{CallsiteSpec, Source};
use crate::{Span, testing};

static SITE: Callsite = Callsite::new(CallsiteSpec::new(
    "call",
    &Source {
        module: "m",
        file: "f.rs",
    },
    1,
));

/// The sum of the items, the end, the attributes, and whether there was a stream.
type Told = (u32, End, Attributes, bool);

/// Adds up the items, and tells how the call ended.
#[derive(Default)]
struct Sum {
    sum: u32,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Measure for Sum {
    type Said = u32;

    fn item(&mut self, said: u32) {
        self.sum += said;
    }

    fn end(self, ended: Ended) {
        let told = (self.sum, ended.end, ended.attributes, ended.streamed);
        self.told.lock().unwrap().push(told);
    }
}

/// What the measure was told of the calls that `work` makes.
fn told(work: impl FnOnce(&dyn Fn() -> Sum)) -> Vec<Told> {
    let all = Arc::new(Mutex::new(Vec::new()));
    work(&|| Sum {
        sum: 0,
        told: Arc::clone(&all),
    });
    all.lock().unwrap().clone()
}

fn own(measure: Sum) -> Measured<Sum> {
    Measured::begin(&SITE, Vec::new, measure)
}

#[test]
fn a_call_ends_once_whatever_is_said_later() {
    let told = told(|sum| {
        let mut call = Measured::in_body(sum());
        call.item(Some(2));
        call.item(None);
        call.end(End::Ok);
        call.item(Some(3));
        call.end(End::Cancelled);
        assert!(call.has_ended());
    });
    assert_eq!(told, [(2, End::Ok, Attributes::Response, false)]);
}

#[test]
fn the_span_of_a_call_ends_as_the_call() {
    let captured = testing::capture(|| {
        told(|sum| {
            own(sum()).end(End::Ok);
            own(sum()).end(End::Failed("timeout".into()));
            drop(own(sum()));
            let mut panicking = own(sum());
            let caught = catch_unwind(AssertUnwindSafe(|| panicking.run(|_| panic!("at work"))));
            assert!(caught.is_err() && panicking.has_ended());
        })
    });
    let outcomes: Vec<Outcome> = captured.spans.iter().map(|span| span.outcome).collect();
    let ends: Vec<End> = captured.value.iter().map(|told| told.1.clone()).collect();
    let expected = [
        End::Ok,
        End::Failed("timeout".into()),
        End::Cancelled,
        End::Panicked,
    ];
    assert_eq!(ends, expected);
    assert_eq!(outcomes, expected.map(|end| end.outcome()));
    assert!(captured.value.iter().all(|told| told.2 == Attributes::All));
}

#[test]
fn a_panic_of_the_body_is_one_and_a_panic_elsewhere_is_a_cancellation() {
    let told = told(|sum| {
        for in_body in [true, false] {
            let call = if in_body {
                Measured::in_body(sum())
            } else {
                own(sum())
            };
            let caught = catch_unwind(AssertUnwindSafe(move || {
                let _call = call;
                panic!("not in `run`")
            }));
            assert!(caught.is_err());
        }
    });
    let ends = [&told[0].1, &told[1].1];
    assert_eq!(ends, [&End::Panicked, &End::Cancelled]);
}

#[test]
fn a_stream_is_one_and_only_a_recorded_function_has_attributes() {
    let told = told(|sum| {
        let mut stream = Measured::in_body(sum()).streaming();
        stream.item(None);
        stream.unrecorded();
        stream.end(End::Ok);
    });
    assert_eq!(told, [(0, End::Ok, Attributes::None, true)]);
}

#[test]
fn work_is_inside_the_span_and_the_measure_ends_there() {
    struct Inside;
    impl Measure for Inside {
        type Said = ();

        fn end(self, ended: Ended) {
            assert!(ended.here.is_entered());
            crate::current::add_event("ended");
        }
    }
    let captured = testing::capture(|| {
        let mut call = Measured::begin(&SITE, Vec::new, Inside);
        call.run(|span: &Span| span.add_event("given").is_recording());
        call.run(|_| crate::current::add_event("entered"));
        call.end(End::Ok);
    });
    let events = &captured.span("call").events;
    let names: Vec<&str> = events.iter().map(|event| &*event.name).collect();
    assert_eq!(names.len(), 3);
    assert!(
        ["given", "entered", "ended"]
            .iter()
            .all(|n| names.contains(n))
    );
}
