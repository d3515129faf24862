use super::*;
use crate::callsite::Level;

fn record(unix_nanos: u64, body: &str) -> LogRecord {
    LogRecord {
        unix_nanos,
        level: Level::Info,
        event_name: None,
        target: "shop".into(),
        body: Some(body.to_owned().into()),
        attributes: Vec::new(),
        context: None,
    }
}

#[test]
fn what_waits_is_taken_once_in_the_order_of_its_time() {
    let queue = Arc::new(LogQueue::new(None));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                for n in 0..1000 {
                    queue.push(record(n * 4 + thread, "x"));
                }
            })
        })
        .collect();
    let mut taken = queue.take();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(taken.is_sorted_by_key(|r| r.unix_nanos));
    taken.extend(queue.take());
    let mut times: Vec<_> = taken.iter().map(|r| r.unix_nanos).collect();
    times.sort_unstable();
    assert!(times.into_iter().eq(0..4000));
    assert_eq!(queue.account(), (4000, 0));
    assert_eq!(queue.bytes.load(Ordering::Relaxed), 0);
    assert_eq!(queue.records.load(Ordering::Relaxed), 0);
}

#[test]
fn what_finds_no_room_is_counted() {
    let queue = LogQueue::new(Some(3));
    (0..5).for_each(|n| queue.push(record(n, "x")));
    assert_eq!(queue.account(), (5, 2));
    assert_eq!(queue.take().len(), 3);
    queue.push(record(9, "x"));
    assert_eq!(queue.take().len(), 1);

    let queue = LogQueue::new(None);
    let mebibyte = "x".repeat(1 << 20);
    (0..60).for_each(|n| queue.push(record(n, &mebibyte)));
    let taken = queue.take().len() as u64;
    let (recorded, lost) = queue.account();
    // Other queues of this process have shares of the memory budget, too.
    assert!((11..60).contains(&lost), "{lost} lost");
    assert_eq!((recorded, taken), (60, 60 - lost));
}

#[test]
fn a_closed_queue_takes_nothing() {
    let queue = LogQueue::new(None);
    let before = self_obs::late();
    queue.close();
    queue.push(record(1, "x"));
    assert!(queue.take().is_empty());
    // Other tests count too.
    assert!(self_obs::late() > before);
}

#[test]
fn secrets_are_masked_by_name_and_by_shape() {
    let mut record = record(1, "login with password=hunter2 failed");
    record.attributes = vec![
        ("api_key".into(), 12_345.into()),
        ("url".into(), "https://me:pw@db/".into()),
        ("gen_ai.usage.input_tokens".into(), 7.into()),
        (
            "args".into(),
            vec!["--token=abcdef".to_owned(), "-v".to_owned()].into(),
        ),
    ];
    record.redact();
    assert_eq!(
        record.body.as_deref(),
        Some("login with password=*** failed")
    );
    assert_eq!(record.attribute("api_key"), Some(&"***".into()));
    assert_eq!(record.attribute("url"), Some(&"https://me:***@db/".into()));
    assert_eq!(
        record.attribute("gen_ai.usage.input_tokens"),
        Some(&7.into())
    );
    let args = vec!["--token=***".to_owned(), "-v".to_owned()];
    assert_eq!(record.attribute("args"), Some(&args.into()));
}
