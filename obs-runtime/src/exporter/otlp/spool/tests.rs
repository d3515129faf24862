use std::fs;

use super::*;
use crate::exporter::otlp::config::OtlpConfig;
use crate::exporter::otlp::fixtures::{Fixture, resource, spans};
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply, ok};
use crate::exporter::otlp::sink::OtlpSpanSink;
use crate::exporter::otlp::transport;
use crate::processor::sink::SpanSink as _;
use crate::self_obs::ExporterStats;

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let name = format!("obs-spool-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// The files in all folders.
    fn files(&self) -> Vec<PathBuf> {
        let folders = folder::all(&self.0).unwrap();
        let files = folders.iter().flat_map(|f| fs::read_dir(f).unwrap());
        let mut paths: Vec<_> = files.map(|f| f.unwrap().path()).collect();
        paths.retain(|p| p.extension().is_some_and(|e| e == "otlp"));
        paths.sort();
        paths
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A sink with a spool of its own; attempts follow each other at once.
fn start(dir: &Dir, url: &str, max_bytes: u64) -> OtlpSpanSink {
    let mut config = OtlpConfig::new(url).timeout(LONG);
    config.limits.backoff = Duration::from_millis(1);
    config.limits.max_backoff = Duration::from_millis(1);
    config.limits.batch_items = 4;
    config.limits.requests = 1;
    config.spool = Some(Spool::open(&dir.0, max_bytes).unwrap());
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let transport = transport::connect(&target).unwrap();
    OtlpSpanSink::start(&target, transport, config.limits, &resource(), None).unwrap()
}

fn take(sink: &mut OtlpSpanSink, spans: usize) {
    for _ in 0..spans {
        sink.span(&Fixture::bare().view());
    }
}

fn long() -> Instant {
    Instant::now() + LONG
}

fn nobody() -> String {
    Receiver::start([]).url.clone()
}

/// Everything has an outcome or is on disk.
fn settled(sink: &OtlpSpanSink) -> ExporterStats {
    let stats = sink.stats().snapshot();
    assert_eq!(stats.in_flight, 0, "{stats:?}");
    let outcomes = stats.exported + stats.dropped_total() + stats.spooled;
    assert_eq!(stats.taken, outcomes, "{stats:?}");
    stats
}

#[test]
fn what_cannot_be_sent_is_kept_and_sent_later() {
    let dir = Dir::new("later");
    let busy = || Reply::Status(503, "", Vec::new());
    let receiver = Receiver::start([busy(), busy(), busy()]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut sink, 4);
    sink.flush()(long()).unwrap();
    let bodies: Vec<_> = (0..4).map(|_| receiver.next().body).collect();
    assert!(bodies.iter().all(|b| *b == bodies[0]));
    assert_eq!(spans(&bodies[3]).len(), 4);
    sink.shutdown(long()).unwrap();
    let stats = settled(&sink);
    assert_eq!((stats.exported, stats.spooled, stats.recovered), (4, 0, 0));
    assert_eq!(dir.files(), [] as [PathBuf; 0]);
    assert_eq!(receiver.further(), 0);
}

#[test]
fn the_next_process_sends_what_this_one_could_not() {
    let dir = Dir::new("next");
    let mut first = start(&dir, &nobody(), MAX_BYTES);
    take(&mut first, 10);
    first.flush()(long()).unwrap();
    assert_eq!(dir.files().len(), 3);
    // While its process lives nobody takes them.
    let counters = Arc::new(ExporterCounters::new("otlp"));
    let other = Spool::open(&dir.0, MAX_BYTES).unwrap();
    other.attach(Signal::Traces, &counters);
    other.adopt();
    assert_eq!(counters.snapshot().recovered, 0);
    drop(other);
    first.shutdown(long()).unwrap();
    let stats = settled(&first);
    assert_eq!((stats.exported, stats.spooled), (0, 10));

    let receiver = Receiver::start([]);
    let mut second = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut second, 1);
    second.shutdown(long()).unwrap();
    let sizes: Vec<_> = (0..4).map(|_| spans(&receiver.next().body).len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 11, "{sizes:?}");
    assert_eq!(receiver.further(), 0);
    let stats = settled(&second);
    assert_eq!((stats.taken, stats.recovered), (11, 10));
    assert_eq!((stats.exported, stats.spooled), (11, 0));
    drop(second);
    assert_eq!(folder::all(&dir.0).unwrap(), [] as [PathBuf; 0]);
}

#[test]
fn a_full_spool_drops_the_oldest() {
    let dir = Dir::new("full");
    // Four spans a file, and a block for each.
    let mut sink = start(&dir, &nobody(), 20_480);
    for n in 0..20 {
        take(&mut sink, 4);
        // bug: nobody was told of the oldest.
        match sink.flush()(long()) {
            Ok(()) => assert!(n < 5, "{n}"),
            Err(error) => assert!(error.to_string().contains("4 spans"), "{error}"),
        }
    }
    sink.shutdown(long()).unwrap();
    let said = sink.stats().problems().concat();
    assert!(
        said.contains("is full (20480 bytes)") && said.contains("OBS_SPOOL_MAX_BYTES"),
        "{said}"
    );
    let stats = settled(&sink);
    let files = dir.files();
    // bug: the room that files take was not counted, but the bytes in them.
    assert_eq!(files.len(), 5);
    assert_eq!(stats.spooled, files.len() as u64 * 4);
    assert_eq!(stats.dropped, [(DropReason::SpoolFull, 80 - stats.spooled)]);
    // The latest are there: their numbers are the last ones.
    let first = files[0].file_name().unwrap().to_str().unwrap();
    let number = Stored::parse(first, 0).unwrap().number;
    assert_eq!(number, FIRST_OWN + 20 - files.len() as u64);
}

#[test]
fn a_request_larger_than_the_spool_is_counted() {
    let dir = Dir::new("larger");
    let mut sink = start(&dir, &nobody(), 100);
    // Not a whole request, which might be settled before the flush that is to fail for it.
    take(&mut sink, 3);
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(error.contains("spool_full"), "{error}");
    assert_eq!(settled(&sink).dropped, [(DropReason::SpoolFull, 3)]);
}

#[test]
fn a_damaged_file_is_counted_and_does_not_stop_the_others() {
    let dir = Dir::new("damaged");
    let mut first = start(&dir, &nobody(), MAX_BYTES);
    take(&mut first, 12);
    first.shutdown(long()).unwrap();
    drop(first);
    let files = dir.files();
    // Killed in the middle of a write, and a disk that lies.
    let whole = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &whole[..whole.len() - 1]).unwrap();
    let mut flipped = fs::read(&files[1]).unwrap();
    flipped[60] ^= 1;
    fs::write(&files[1], flipped).unwrap();

    let receiver = Receiver::start([]);
    let mut second = start(&dir, &receiver.url, MAX_BYTES);
    let error = second.shutdown(long()).unwrap_err().to_string();
    assert!(
        error.contains("8 spans") && error.contains("is not whole"),
        "{error}"
    );
    assert_eq!(spans(&receiver.next().body).len(), 4);
    assert_eq!(receiver.further(), 0);
    let stats = settled(&second);
    assert_eq!((stats.taken, stats.recovered, stats.exported), (12, 12, 4));
    assert_eq!(stats.dropped, [(DropReason::SpoolFailed, 8)]);
    assert_eq!(dir.files(), [] as [PathBuf; 0]);
}

#[test]
fn what_the_receiver_refuses_for_good_does_not_stay() {
    let dir = Dir::new("refused");
    let receiver = Receiver::start([
        Reply::Status(503, "", Vec::new()),
        Reply::Status(400, "", Vec::new()),
    ]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut sink, 4);
    sink.flush()(long()).unwrap();
    receiver.next();
    receiver.next();
    let error = sink.shutdown(long()).unwrap_err().to_string();
    assert!(error.contains("answered 400"), "{error}");
    assert_eq!(settled(&sink).dropped, [(DropReason::Rejected, 4)]);
    assert_eq!(dir.files(), [] as [PathBuf; 0]);
}

#[test]
fn a_flush_that_may_wait_no_longer_leaves_a_copy_on_disk() {
    let dir = Dir::new("copy");
    let receiver = Receiver::start([Reply::Silence]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut sink, 7);
    sink.flush()(Instant::now() + Duration::from_millis(150)).unwrap();
    assert_eq!(dir.files().len(), 2);
    // The first is still being sent, and not counted as spooled.
    let stats = sink.stats().snapshot();
    assert_eq!((stats.in_flight, stats.spooled), (4, 3));
    // Now the receiver breaks off.
    drop(receiver);
    sink.shutdown(long()).unwrap();
    assert_eq!(settled(&sink).spooled, 7);
    assert_eq!(dir.files().len(), 2);
}

#[test]
fn a_shutdown_with_a_receiver_that_hangs_keeps_everything() {
    let dir = Dir::new("hangs");
    let receiver = Receiver::start([Reply::Silence]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut sink, 10);
    receiver.next();
    sink.shutdown(Instant::now() + Duration::from_millis(150))
        .unwrap();
    assert_eq!(settled(&sink).spooled, 10);
    assert_eq!(dir.files().len(), 3);
}

/// Answers when it is told to.
struct Late(std::sync::mpsc::Receiver<()>);
impl transport::Transport for Late {
    fn send(&mut self, _: &Arc<Batch>, _: Duration) -> transport::Answer {
        self.0.recv().unwrap();
        transport::Answer::Accepted(transport::PartialSuccess::default())
    }
}

#[test]
fn an_acknowledgement_after_the_flush_removes_the_copy() {
    let dir = Dir::new("late");
    let (gate, opened) = std::sync::mpsc::channel();
    let mut config = OtlpConfig::new("http://127.0.0.1:1").timeout(LONG);
    config.spool = Some(Spool::open(&dir.0, MAX_BYTES).unwrap());
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let late = Box::new(Late(opened));
    let mut sink = OtlpSpanSink::start(&target, late, config.limits, &resource(), None).unwrap();
    take(&mut sink, 4);
    sink.flush()(Instant::now() + Duration::from_millis(150)).unwrap();
    assert_eq!(dir.files().len(), 1);
    gate.send(()).unwrap();
    sink.flush()(long()).unwrap();
    let stats = settled(&sink);
    assert_eq!((stats.exported, stats.spooled), (4, 0));
    sink.shutdown(long()).unwrap();
    assert_eq!(dir.files(), [] as [PathBuf; 0]);
}

#[test]
fn a_receiver_that_asks_for_silence_is_not_asked_again_before() {
    let dir = Dir::new("silence");
    let busy = Reply::Status(429, "retry-after: 1\r\n", Vec::new());
    let receiver = Receiver::start([busy, ok()]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    for _ in 0..3 {
        take(&mut sink, 4);
        // Ends at once: what is recorded meanwhile goes to disk.
        sink.flush()(long()).unwrap();
    }
    assert_eq!(settled(&sink).spooled, 12);
    let (first, second) = (receiver.next(), receiver.next());
    assert!(second.at - first.at >= Duration::from_secs(1));
    receiver.next();
    receiver.next();
    sink.shutdown(long()).unwrap();
    assert_eq!(settled(&sink).exported, 12);
}

#[test]
fn names_say_what_files_hold() {
    let name = Stored {
        number: 0x1234,
        signal: Signal::Traces,
        items: 56,
        bytes: 0,
    };
    let text = name.to_string();
    assert_eq!(text, "0000000000001234-traces-56.otlp");
    assert_eq!(Stored::parse(&text, 0), Some(name));
    for other in ["lock", "1-traces-5.otlp", "0000000000001234-traces-5", ""] {
        assert_eq!(Stored::parse(other, 0), None, "{other}");
    }
}

#[test]
fn no_part_of_a_file_passes_for_the_whole() {
    let dir = Dir::new("part");
    fs::create_dir_all(&dir.0).unwrap();
    let path = dir.0.join("file");
    file::write(&path, 7, b"a body").unwrap();
    assert_eq!(file::read(&path).unwrap(), Some((7, b"a body".to_vec())));
    let whole = fs::read(&path).unwrap();
    assert_eq!((whole.len(), file::len_on_disk(6)), (34, 4096));
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(file::read(&path).unwrap(), None, "{len}");
        let mut flipped = whole.clone();
        flipped[len] ^= 0x10;
        fs::write(&path, flipped).unwrap();
        assert_eq!(file::read(&path).unwrap(), None, "{len}");
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let dir = Dir::new("file");
    fs::write(&dir.0, "no directory").unwrap();
    let error = Spool::open(&dir.0, MAX_BYTES).unwrap_err();
    assert!(error.is_config());
    assert!(
        error.to_string().contains(dir.0.to_str().unwrap()),
        "{error}"
    );
    let _ = fs::remove_file(&dir.0);
}

// bug: what a receiver found too large was lost as a whole, also from the disk.
#[test]
fn parts_of_what_is_too_large_go_to_disk_by_themselves() {
    let dir = Dir::new("parts");
    let too_large = || Reply::Status(413, "", Vec::new());
    let busy = || Reply::Status(503, "", Vec::new());
    // Four spans; the first two arrive, the others are kept, and divided when they come from the disk.
    let receiver = Receiver::start([too_large(), ok(), busy(), too_large(), ok(), too_large()]);
    let mut sink = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut sink, 4);
    sink.flush()(long()).unwrap();
    let counts = [4, 2, 2, 2, 1, 1].map(|_| spans(&receiver.next().body).len());
    assert_eq!(counts, [4, 2, 2, 2, 1, 1]);
    assert!(sink.shutdown(long()).is_err());
    let stats = settled(&sink);
    assert_eq!((stats.taken, stats.exported, stats.spooled), (4, 3, 0));
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
    assert_eq!(dir.files(), [] as [PathBuf; 0]);
}

// bug: a pipe in the folder of a process that had gone stopped the sender, and numbers in names broke the account.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_of_ours_is_left_alone() {
    use std::os::unix::fs::symlink;
    let dir = Dir::new("hostile");
    let mut first = start(&dir, &nobody(), MAX_BYTES);
    take(&mut first, 8);
    first.shutdown(long()).unwrap();
    drop(first);
    let folder = dir.files()[0].parent().unwrap().to_owned();
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let elsewhere = dir.0.join("elsewhere");
    fs::copy(&dir.files()[0], &elsewhere).unwrap();
    pipe(&folder.join("0000000000000001-traces-1.otlp"));
    symlink(&elsewhere, folder.join("0000000000000002-traces-4.otlp")).unwrap();
    fs::create_dir(folder.join("0000000000000003-traces-4.otlp")).unwrap();
    for name in [
        "0000000000000004-traces-18446744073709551615.otlp",
        "0000000000000005-traces-0.otlp",
        "0000000000000006-traces-+4.otlp",
        "+000000000000007-traces-4.otlp",
    ] {
        fs::copy(&elsewhere, folder.join(name)).unwrap();
    }
    // It says that it has the size of a disk, and has nothing.
    let giant = fs::File::create(folder.join("0000000000000008-traces-4.otlp")).unwrap();
    giant.set_len(1 << 40).unwrap();
    // Others have nothing but what is not ours: the locks are a pipe and a link.
    for (other, link) in [("process-1-00000001", false), ("process-1-00000002", true)] {
        let other = dir.0.join(other);
        fs::create_dir(&other).unwrap();
        if link {
            symlink(&elsewhere, other.join("lock")).unwrap();
        } else {
            pipe(&other.join("lock"));
        }
    }

    let receiver = Receiver::start([]);
    let mut second = start(&dir, &receiver.url, MAX_BYTES);
    take(&mut second, 1);
    second.shutdown(long()).unwrap();
    let stats = settled(&second);
    assert_eq!((stats.taken, stats.recovered, stats.exported), (9, 8, 9));
    assert_eq!(stats.dropped, []);
    assert!(elsewhere.exists());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 9, "with its lock");
}
