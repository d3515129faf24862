//! Chains and the pool, on one thread; `loom/` has the others.

#![allow(
    clippy::cast_ptr_alignment,
    reason = "chunks are aligned to 64, records to 8"
)]

use super::*;
use chain::Chain;

const RECORD: usize = 16;
/// Several chunks.
const COUNT: u64 = 3 * (CHUNK / RECORD) as u64;

fn write(cursor: &Cursor, chain: &Chain, pool: &Pool, number: u64) {
    let at = cursor.room(RECORD).unwrap_or_else(|| {
        // SAFETY: the chain and its cursor are made by the test together.
        unsafe { cursor.advance(chain, pool, RECORD, || ()) }
    });
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
