//! Small programs that do what threads and drain do.

use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::buffer::{CHUNK, Chain, FIRST, KEEP, Pool, Producer, pass};
use crate::memory;

const PLENTY: usize = 100 * CHUNK;

/// What the threads of a model share. The drain's lock guards what was read, by chain.
struct World {
    pool: Pool,
    chains: Vec<Chain>,
    drain: Mutex<Vec<Vec<u64>>>,
}

impl World {
    fn new(producers: usize) -> Arc<Self> {
        memory::clear();
        Arc::new(Self {
            pool: Pool::new(),
            chains: (0..producers).map(|_| Chain::new()).collect(),
            drain: Mutex::new(vec![Vec::new(); producers]),
        })
    }

    fn pass(&self) {
        let mut read = self.drain.lock().unwrap();
        for (chain, read) in self.chains.iter().zip(&mut *read) {
            pass(chain, &self.pool, read);
        }
    }

    /// The last pass, after all producers ended: everything is read, counted and given back.
    fn end(&self) -> Vec<Vec<u64>> {
        self.pass();
        assert!(self.chains.iter().all(Chain::is_done));
        assert!(!self.pool.is_behind(), "what was filled was read");
        let kept = memory::in_use();
        assert!(kept == 0 || kept == KEEP, "{kept} bytes left");
        self.pool.release();
        assert_eq!(memory::in_use(), 0, "what was kept for a burst is freed");
        std::mem::take(&mut *self.drain.lock().unwrap())
    }
}

/// A thread that writes `count` records and ends; how many found room.
fn producer(
    world: &Arc<World>,
    which: usize,
    count: u64,
    budget: usize,
) -> thread::JoinHandle<u64> {
    let world = Arc::clone(world);
    thread::spawn(move || {
        let producer = Producer::new(&world.chains[which], &world.pool, budget);
        let mut written = 0;
        for _ in 0..count {
            // Numbered without gaps, so that the reader sees a loss.
            if producer.record(written) {
                written += 1;
            }
        }
        producer.end();
        written
    })
}

/// `preemptions`: how often a thread may be stopped where it could go on; `None` for any number.
fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.check(model);
}

fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[test]
fn records_over_several_chunks_are_read_once_in_their_order() {
    check(Some(4), || {
        let world = World::new(1);
        let producer = producer(&world, 0, 4, PLENTY);
        world.pass();
        world.pass();
        assert_eq!(producer.join().unwrap(), 4);
        assert_eq!(world.end(), [numbers(4)]);
    });
}

#[test]
fn a_chunk_that_was_read_is_written_by_another_thread() {
    check(Some(2), || {
        let world = World::new(2);
        let producers = [
            producer(&world, 0, 4, PLENTY),
            producer(&world, 1, 3, PLENTY),
        ];
        world.pass();
        let written = producers.map(|producer| producer.join().unwrap());
        assert_eq!(written, [4, 3]);
        assert_eq!(world.end(), [numbers(4), numbers(3)]);
    });
}

#[test]
fn a_thread_ends_while_it_is_drained() {
    check(Some(4), || {
        let world = World::new(1);
        let producer = producer(&world, 0, 2, PLENTY);
        for _ in 0..3 {
            world.pass();
        }
        producer.join().unwrap();
        assert_eq!(world.end(), [numbers(2)]);
    });
}

#[test]
fn two_threads_take_turns_as_the_drain() {
    check(Some(3), || {
        let world = World::new(1);
        let producer = producer(&world, 0, 3, PLENTY);
        let scrape = thread::spawn({
            let world = Arc::clone(&world);
            move || world.pass()
        });
        world.pass();
        scrape.join().unwrap();
        producer.join().unwrap();
        assert_eq!(world.end(), [numbers(3)]);
    });
}

#[test]
fn without_room_records_are_lost_and_the_budget_is_kept() {
    const BUDGET: usize = FIRST + CHUNK;
    check(Some(3), || {
        let world = World::new(1);
        let producer = producer(&world, 0, 6, BUDGET);
        for _ in 0..2 {
            world.pass();
            assert!(memory::in_use() <= BUDGET);
        }
        let written = producer.join().unwrap();
        // The first two chunks are there in any case.
        assert!((3..=6).contains(&written));
        assert_eq!(world.end(), [numbers(written)]);
    });
}

#[test]
fn threads_that_compete_for_the_last_chunk_share_one_budget() {
    const BUDGET: usize = 2 * FIRST + CHUNK;
    check(None, || {
        let world = World::new(2);
        let producers = [
            producer(&world, 0, 2, BUDGET),
            producer(&world, 1, 2, BUDGET),
        ];
        let written = producers.map(|producer| producer.join().unwrap());
        assert!(memory::in_use() <= BUDGET);
        assert_eq!(world.end(), written.map(numbers));
    });
}
