//! A program whose global allocator counts with `counter!` and `histogram!`, and is annotated, for
//! `tests/runtime/allocator.rs`: obs allocates too, so each of its slow paths comes back into obs.
//!
//! `counting_allocator ENDPOINT counts|spans|both|lines`. It prints what it found, as JSON.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use obs_runtime::{Observability, counter, histogram, testing, traced};
use serde_json::json;

/// On from the first allocation, long before `main`.
static COUNTS: AtomicBool = AtomicBool::new(true);
static SPANS: AtomicBool = AtomicBool::new(true);

thread_local! {
    /// Whether the calls of this thread are counted apart.
    static COUNTED_APART: Cell<bool> = const { Cell::new(false) };
}
static APART: AtomicU64 = AtomicU64::new(0);

struct Counting;

#[traced]
fn allocate(layout: Layout) -> *mut u8 {
    // SAFETY: as the allocator's.
    unsafe { System.alloc(layout) }
}

// SAFETY: all work is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            counter!("allocations").inc();
            histogram!("allocation.size").observe(layout.size() as u64);
            if COUNTED_APART.get() {
                APART.fetch_add(1, Ordering::Relaxed);
                counter!("allocations.apart").inc();
            }
        }
        if SPANS.load(Ordering::Relaxed) {
            allocate(layout)
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if COUNTS.load(Ordering::Relaxed) {
            counter!("deallocations").inc();
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const THREADS: usize = 4;
const EACH: usize = 5_000;

#[traced(labels(parity), fields(kind = parity))]
fn labelled(parity: &'static str) {
    work(10);
}

fn work(times: usize) {
    for n in 0..times {
        drop(black_box(vec![0_u8; n % 512 + 1]));
    }
}

/// Threads that allocate before, while and after obs is installed.
fn install_in_the_middle(endpoint: &str) -> Result<Observability, obs_runtime::Error> {
    let half = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        for n in 0..THREADS {
            let half = &half;
            scope.spawn(move || {
                work(EACH);
                half.wait();
                work(EACH);
                labelled(if n % 2 == 0 { "even" } else { "odd" });
            });
        }
        half.wait();
        Observability::builder()
            .memory_limit(4 << 20)
            .otlp(endpoint)
            .install()
    })
}

#[expect(clippy::print_stdout, reason = "the test reads it")]
fn run(endpoint: &str) -> Result<(), obs_runtime::Error> {
    let obs = install_in_the_middle(endpoint)?;
    // Threads that are new, and end: their first chunks, cells and destructors.
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..50).for_each(|_| labelled("new")));
        }
    });
    let captured = thread::scope(|scope| {
        let captures = [(); THREADS].map(|()| scope.spawn(|| testing::capture(|| work(100))));
        let captured = captures.map(|capture| capture.join().map_or(0, |c| c.spans.len()));
        captured.into_iter().min()
    });
    let counted = || counter!("allocations.apart").value();
    let apart = thread::spawn(move || {
        let counted_apart = |times| {
            COUNTED_APART.set(true);
            work(times);
            COUNTED_APART.set(false);
            (APART.load(Ordering::Relaxed), counted())
        };
        // Each place has found its series after the first.
        let before = counted_apart(1);
        let after = counted_apart(EACH);
        (after.0 - before.0, after.1 - before.1)
    });
    let (apart, counted_apart) = apart.join().unwrap_or_default();
    // What is lost for want of memory is counted, and said here.
    let _ = obs.force_flush();
    let (pages, stats) = (obs.collect_metrics().len(), obs.stats());
    let otlp = stats.spans.exporters.first();
    println!(
        "{}",
        json!({
            "allocations": counter!("allocations").value(),
            "sizes": histogram!("allocation.size").count(),
            "apart": apart,
            "counted_apart": counted_apart,
            "metrics": pages,
            "captured": captured,
            "recorded": stats.spans.recorded,
            "lost": stats.spans.lost,
            "taken": otlp.map(|otlp| otlp.taken),
            "reentrant_calls": stats.reentrant_calls,
            "reentrant_values": stats.reentrant_values,
        })
    );
    let _ = obs.shutdown();
    work(EACH);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the test shows it")]
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (endpoint, what) = (arguments.next(), arguments.next());
    let what = what.unwrap_or_default();
    if what == "lines" {
        // Functions keep their fields as if log lines were written.
        use obs_runtime::interop::tracing::{Format, lines};
        drop(lines::<tracing_subscriber::Registry>(Format::Json));
    }
    COUNTS.store(what != "spans", Ordering::Relaxed);
    SPANS.store(what != "counts", Ordering::Relaxed);
    match run(&endpoint.unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
