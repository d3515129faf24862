use std::sync::Mutex;

use super::*;

#[test]
fn a_static_is_made_once_in_a_process() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static NUMBERS: PerProcess<Mutex<Vec<u32>>> = PerProcess::new(|| {
        COUNT.fetch_add(1, Ordering::Relaxed);
        Mutex::default()
    });
    let threads: Vec<_> = (0..4)
        .map(|n| std::thread::spawn(move || NUMBERS.lock().unwrap().push(n)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut numbers = NUMBERS.lock().unwrap().clone();
    numbers.sort_unstable();
    // Threads that meet may each make one; all of them use the same.
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert!((1..=4).contains(&COUNT.load(Ordering::Relaxed)));
}

#[test]
fn what_this_process_makes_is_current() {
    assert!(Process::current().is_current());
    assert!(!Process(u32::MAX).is_current());
}
