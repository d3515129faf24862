//! Chains and the pool, on one thread; `loom/` has the others.

#![allow(
    clippy::cast_ptr_alignment,
    reason = "chunks are aligned to 64, records to 8"
)]

use super::*;
use crate::callsite::{CallsiteSpec, Source};
use chain::Chain;

static SITE: Callsite = Callsite::new(CallsiteSpec::new(
    "work",
    &Source {
        module: "tests",
        file: "tests.rs",
    },
    1,
));

const RECORD: usize = 16;
/// Several chunks.
const COUNT: u64 = 3 * (CHUNK / RECORD) as u64;

fn write(cursor: &Cursor, chain: &Chain, pool: &Pool, number: u64) {
    let at = cursor.room(RECORD).map_or_else(
        || {
            // SAFETY: the chain and its cursor are made by the test together.
            unsafe { cursor.advance(chain, pool, RECORD, || ()) }
        },
        |(at, _)| at,
    );
    assert!(!at.is_null());
    // SAFETY: there is room for it.
    unsafe {
        at.cast::<u64>().write(number);
        cursor.publish(at.wrapping_add(RECORD));
    }
}

fn read(chain: &Chain, pool: &Pool, mut each: impl FnMut(u64)) {
    let number = |at: *mut u8| {
        // SAFETY: `write` put it there.
        unsafe { at.cast::<u64>().read() }
    };
    chain.consume(
        chain.limit(),
        pool,
        |_| RECORD,
        |at| each(number(at)),
        || true,
    );
}

#[test]
fn a_record_whose_reader_panics_is_not_read_again() {
    let (cursor, chain, pool) = (Cursor::new(), Chain::new(), Pool::new());
    for number in 0..COUNT {
        write(&cursor, &chain, &pool, number);
    }
    let mut seen = Vec::new();
    for panics_at in [2, COUNT / 2, COUNT - 1] {
        let pass = std::panic::AssertUnwindSafe(|| {
            read(&chain, &pool, |number| {
                seen.push(number);
                if number == panics_at {
                    std::panic::resume_unwind(Box::new(()));
                }
            });
        });
        assert!(std::panic::catch_unwind(pass).is_err());
    }
    // SAFETY: the chain and its cursor are made by the test together.
    unsafe { cursor.leave(&chain, &pool) };
    read(&chain, &pool, |number| seen.push(number));
    assert!(chain.is_done());
    assert!(seen.into_iter().eq(0..COUNT));
    assert!(!pool.is_behind());
}

// bug: what short threads left counted as unread only when the timer came.
#[test]
fn what_short_threads_leave_wakes_the_drain() {
    let pool = Pool::new();
    let threads: Vec<_> = (0..WAKE / FIRST)
        .map(|_| (Cursor::new(), Chain::new()))
        .collect();
    for (number, (cursor, chain)) in threads.iter().enumerate() {
        write(cursor, chain, &pool, 7);
        // SAFETY: the chain and its cursor are made by the test together.
        let due = unsafe { cursor.leave(chain, &pool) };
        assert_eq!(due, number + 1 == threads.len(), "after {number}");
    }
    assert!(pool.is_behind());
    for (_, chain) in &threads {
        read(chain, &pool, |number| assert_eq!(number, 7));
        assert!(chain.is_done());
    }
    assert!(!pool.is_behind());
}

// bug: a panic lost the counts of calls that had found no room
#[test]
fn a_pass_goes_on_after_a_record_whose_reader_panics() {
    let (cursor, queue, pool) = (Cursor::new(), Arc::new(Queue::new()), &shared().pool);
    for number in 0..COUNT {
        write(&cursor, &queue.chain, pool, number);
    }
    queue.count_unrecorded(7, &SITE, Outcome::Ok, 1, true);
    // SAFETY: the chain and its cursor are made by the test together.
    unsafe { cursor.leave(&queue.chain, pool) };
    let mut limits = Limits::of(vec![queue]);
    let (mut seen, mut overflows, mut passes) = (Vec::new(), Vec::new(), 0);
    loop {
        passes += 1;
        let pass = std::panic::AssertUnwindSafe(|| {
            let each = |at: *mut u8| {
                // SAFETY: `write` put it there.
                let number = unsafe { at.cast::<u64>().read() };
                seen.push(number);
                if number == 2 || number == COUNT - 1 {
                    std::panic::resume_unwind(Box::new(()));
                }
            };
            let overflow = |scope, lost: Overflow| overflows.push((scope, lost.lost_spans));
            limits.consume(|_| RECORD, each, overflow, || true)
        });
        if let Ok(is_whole) = std::panic::catch_unwind(pass) {
            assert!(is_whole);
            break;
        }
    }
    assert_eq!(passes, 3);
    assert!(seen.into_iter().eq(0..COUNT));
    assert_eq!(overflows, [(7, 1)]);
}

// bug: behind its destructor a thread whose call found no room left a queue that nobody closed
#[test]
fn a_call_without_room_behind_the_end_of_its_thread_leaves_no_queue() {
    let thread = std::thread::spawn(|| {
        let local = local();
        local.exited.set(true);
        count_unrecorded(local, 7, &SITE, Outcome::Ok, 1, true);
        // Leaving it has closed it.
        local.queue.get().is_null()
    });
    assert!(thread.join().unwrap());
}
