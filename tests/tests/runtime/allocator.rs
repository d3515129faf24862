//! A global allocator that counts with obs, or is annotated: a process of its own for each.

use std::process::Command;

use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::programs;
use serde_json::Value;

/// What the program found, see `src/bin/counting_allocator.rs`.
fn run(what: &str) -> Value {
    let receiver = OtlpReceiver::start(Mode::Accept);
    let mut program = Command::new(env!("CARGO_BIN_EXE_counting_allocator"));
    program.args([&receiver.url(), what]);
    let output = programs::run(program, b"").unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(found: &Value, key: &str) -> u64 {
    found[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key}: {found}")) as u64
}

/// What is counted is counted once, and what obs could not count is counted by its reason.
fn check_counts(found: &Value) {
    let apart = number(found, "apart");
    assert!(apart >= 5_000, "{found}");
    assert_eq!(number(found, "counted_apart"), apart, "{found}");
    let (all, sizes) = (number(found, "allocations"), number(found, "sizes"));
    assert!(all > 7_000, "{found}");
    // Two readings while threads of obs go on, and what was lost of either.
    let lost = number(found, "reentrant_values");
    assert!(sizes + lost + 1_000 > all, "{found}");
    assert!(lost > 0, "{found}");
}

// bug: the first use of a thread's cells allocates, so this ended by an overflow of the stack.
#[test]
fn an_allocator_may_count() {
    let found = run("counts");
    check_counts(&found);
    assert_eq!(number(&found, "reentrant_calls"), 0, "{found}");
}

// bug: the first chunk of a thread is allocated, so this ended by an overflow of the stack.
#[test]
fn an_allocator_may_be_annotated() {
    let found = run("spans");
    let recorded = number(&found, "recorded");
    assert!(recorded > 7_000, "{found}");
    assert!(number(&found, "captured") >= 100, "{found}");
    let kept = number(&found, "taken") + number(&found, "lost");
    assert_eq!(kept, recorded, "{found}");
}

#[test]
fn an_allocator_may_do_both() {
    let found = run("both");
    check_counts(&found);
    assert!(number(&found, "recorded") > 7_000, "{found}");
    assert!(number(&found, "captured") >= 100, "{found}");
}

// bug: what log lines show of a call is allocated, so this ended by an overflow of the stack.
#[test]
fn an_allocator_may_do_both_where_lines_show_fields() {
    let found = run("lines");
    check_counts(&found);
    assert!(number(&found, "recorded") > 7_000, "{found}");
}
