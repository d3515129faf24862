//! The lists of statics.

use std::collections::HashSet;
use std::sync::Barrier;

use super::*;

struct Numbers {
    number: usize,
    link: Link<Self>,
}

impl Linked for Numbers {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}

fn entry(number: usize) -> &'static Numbers {
    Box::leak(Box::new(Numbers {
        number,
        link: Link::new(),
    }))
}

#[test]
fn an_entry_is_in_the_list_once_however_often_it_is_entered() {
    let list = Registry::new();
    assert_eq!(list.iter().count(), 0);
    let entries = [entry(0), entry(1), entry(2)];
    for _ in 0..3 {
        for entry in entries {
            list.add(entry);
        }
        list.add(entries[0]);
        let numbers: Vec<_> = list.iter().map(|e| e.number).collect();
        assert_eq!(numbers, [2, 1, 0]);
    }
}

#[test]
fn libraries_that_are_loaded_at_the_same_time_lose_nothing_and_readers_see_whole_lists() {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    static LIST: Registry<Numbers> = Registry::new();
    let begin = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let begin = &begin;
            scope.spawn(move || {
                begin.wait();
                for number in 0..EACH {
                    LIST.add(entry(thread * EACH + number));
                }
            });
        }
        begin.wait();
        let mut before = 0;
        while before < THREADS * EACH {
            // Each thread's entries are there from its newest to its first.
            let mut next = [None; THREADS];
            let mut count = 0;
            for entry in LIST.iter() {
                let (thread, number) = (entry.number / EACH, entry.number % EACH);
                if let Some(next) = next[thread] {
                    assert_eq!(number + 1, next);
                }
                next[thread] = Some(number);
                count += 1;
            }
            assert!(next.iter().all(|n| n.is_none_or(|n| n == 0)));
            assert!(count >= before);
            before = count;
        }
    });
    let all: HashSet<_> = LIST.iter().map(|e| e.number).collect();
    assert_eq!(all.len(), THREADS * EACH);
}

static OF_THE_PROGRAM: Registry<Numbers> = Registry::new();

#[allow(improper_ctypes_definitions, reason = "only Rust calls it")]
extern "C" fn register(entry: &'static Numbers) {
    OF_THE_PROGRAM.add(entry);
}

#[allow(
    dead_code,
    clippy::extra_unused_type_parameters,
    reason = "never called, yet registered"
)]
fn generic<T>() {
    static ENTRY: Numbers = Numbers {
        number: 7,
        link: Link::new(),
    };
    crate::__obs_submit! { register, &ENTRY }
}

#[test]
fn statics_enter_themselves_before_main() {
    let numbers: Vec<_> = OF_THE_PROGRAM.iter().map(|e| e.number).collect();
    assert_eq!(numbers, [7]);
}

#[test]
fn a_link_shows_whether_it_is_in_a_list_but_not_the_list() {
    let (list, entry) = (Registry::new(), entry(1));
    assert_eq!(format!("{:?}", entry.link), "Link { registered: false }");
    list.add(entry);
    assert_eq!(format!("{:?}", entry.link), "Link { registered: true }");
}
