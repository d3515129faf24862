use super::*;
use crate::callsite::{CallsiteSpec, More, Source};
use crate::guarded::guarded;

static SITE: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        keys: &["text"],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "work",
        &Source {
            module: "tests",
            file: "tests.rs",
        },
        1,
    )
});

/// A full record with one value, as it lies in a chunk.
#[repr(C, align(64))]
struct Written {
    head: Head,
    value: Value,
}

// bug: what lay beside a record whose reader panicked was never given back to the memory budget
#[test]
fn a_panic_gives_back_what_lies_beside_the_record() {
    let timeline = Timeline::new();
    // Together they are twice the budget.
    for _ in 0..128 {
        let value = Value::from_string("x".repeat(1 << 20));
        let held = value.heap_bytes();
        assert!(buffer::hold_beside(held), "something was not given back");
        let mut record = Written {
            head: Head {
                site: ptr::from_ref(&SITE).expose_provenance() as u64,
                meta: meta(1, flag::SAMPLED, Outcome::Ok, size_of::<Written>()),
                call: Call {
                    trace_hi: 0,
                    trace_lo: 1,
                    span: 2,
                    parent: 0,
                    start: 3,
                    end: 4,
                },
            },
            value,
        };
        let at = (&raw mut record).cast::<u8>();
        // SAFETY: the value is given away with the record, which lies at `at` and is read once.
        let seen =
            unsafe { guarded(|| read(at, &timeline, |_| std::panic::resume_unwind(Box::new(())))) };
        assert!(seen.is_none());
        core::mem::forget(record);
    }
}
