//! Lines of obs about itself, on standard error: at most one a minute for each cause.
//!
//! `OBS_LOG=off` silences all of them. Threads of obs call [`warn`]; threads of the host program
//! may call [`warn_from_host`] and [`once`] only, which never wait for standard error. Whatever a
//! line quotes, it stays one line: control characters in it are escaped.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::clock;
use crate::fork::PerProcess;
use crate::inside::Inside;
use crate::lock::{lock, wait};
use crate::printable::Printable;

/// How long a cause stays silent after a line.
const PERIOD: Duration = Duration::from_secs(60);
/// How many causes are remembered, which bounds the memory. Further causes share the last entry.
const MAX_CAUSES: usize = 256;

/// What was last said about one cause.
struct Entry {
    source: &'static str,
    cause: &'static str,
    last: Instant,
    /// How many lines were held back since.
    silent: u64,
}

/// The lines that threads of their own write.
#[derive(Default)]
struct Writing {
    /// How many are not out yet.
    left: usize,
    /// The threads, which may have ended.
    threads: Vec<JoinHandle<()>>,
}

static WRITING: PerProcess<(Mutex<Writing>, Condvar)> = PerProcess::new(Default::default);

/// How many ends are under way.
static ENDS: PerProcess<AtomicUsize> = PerProcess::new(Default::default);

/// How long the end waits for lines that are still being written, whatever time is left.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(200);

/// While obs ends: the error of the end says what was lost and why, so exporters leave out their own
/// lines of it.
pub(crate) struct Ending(());

impl Ending {
    pub(crate) fn begin() -> Self {
        ENDS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    pub(crate) fn has_begun() -> bool {
        ENDS.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDS.fetch_sub(1, Ordering::Relaxed);
    }
}

static ENTRIES: PerProcess<Mutex<Vec<Entry>>> = PerProcess::new(Mutex::default);

/// Writes a line unless `source` spoke of the same `cause` within the last minute.
///
/// `OBS_LOG=off` suppresses it. Instrumented code must not call it: it may take a lock, and it
/// writes.
pub(crate) fn warn(source: &'static str, cause: &'static str, message: fmt::Arguments<'_>) {
    if let Some(text) = admitted(source, cause, message) {
        line(&text);
    }
}

/// Does what [`warn`] does for code that must not wait: a thread of its own does the writing.
pub(crate) fn warn_from_host(
    source: &'static str,
    cause: &'static str,
    message: fmt::Arguments<'_>,
) {
    if let Some(text) = admitted(source, cause, message) {
        write_later(text);
    }
}

/// Returns the line, if it may be written now.
fn admitted(
    source: &'static str,
    cause: &'static str,
    message: fmt::Arguments<'_>,
) -> Option<String> {
    if is_off() || !clock::EXISTS {
        return None;
    }
    let mut entries = lock(&ENTRIES);
    let held_back = admit(&mut entries, source, cause, Instant::now());
    drop(entries);
    Some(match held_back? {
        0 => format!("{source}: {message}"),
        n => format!("{source}: {message} ({n} similar in the last minutes)"),
    })
}

/// Writes a line that its caller writes only once, unless `OBS_LOG=off`.
///
/// Instrumented code may call it, because a thread of its own does the writing.
pub(crate) fn once(message: String) {
    if !is_off() {
        write_later(message);
    }
}

/// Writes a line from a thread of its own.
fn write_later(text: String) {
    let _inside = Inside::enter();
    let thread = std::thread::Builder::new().name("obs-log".to_owned());
    let mut writing = lock(&WRITING.0);
    let write = move || {
        line(&text);
        lock(&WRITING.0).left -= 1;
        WRITING.1.notify_all();
    };
    // Without a thread the line is lost; what it reports was counted.
    if let Ok(thread) = thread.spawn(write) {
        writing.left += 1;
        writing.threads.retain(|thread| !thread.is_finished());
        writing.threads.push(thread);
    }
}

/// Waits until the lines that others write are written, at most until `deadline`: standard error may
/// take nothing.
pub(crate) fn end(deadline: Instant) {
    let is_done = |writing: &Writing| writing.left == 0;
    let mut writing = wait(&WRITING.1, lock(&WRITING.0), Some(deadline), is_done);
    if is_done(&writing) {
        let threads = core::mem::take(&mut writing.threads);
        drop(writing);
        // They have done all that takes time.
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Writes a line in a forked child, where a thread of its parent may hold the lock of standard
/// error for ever.
pub(crate) fn in_child(message: &str) {
    #[cfg(unix)]
    if !is_off() {
        use std::io::Write as _;
        use std::os::fd::AsFd as _;

        let own = std::io::stderr().as_fd().try_clone_to_owned();
        // Standard error may be closed: then the line is lost, and the program goes on.
        let _ = own
            .map(|own| std::fs::File::from(own).write_all(format!("obs: {message}\n").as_bytes()));
    }
    #[cfg(not(unix))]
    let _ = message;
}

/// Returns whether a line may be written now, and if so, how many were held back before it.
fn admit(
    entries: &mut Vec<Entry>,
    source: &'static str,
    cause: &'static str,
    now: Instant,
) -> Option<u64> {
    let known = entries
        .iter()
        .position(|e| e.source == source && e.cause == cause);
    let known = match known {
        None if entries.len() < MAX_CAUSES => {
            entries.push(Entry {
                source,
                cause,
                last: now,
                silent: 0,
            });
            return Some(0);
        }
        None => entries.len() - 1,
        Some(at) => at,
    };
    let entry = &mut entries[known];
    if now.saturating_duration_since(entry.last) < PERIOD {
        entry.silent += 1;
        return None;
    }
    entry.last = now;
    Some(core::mem::take(&mut entry.silent))
}

fn is_off() -> bool {
    static OFF: PerProcess<bool> = PerProcess::new(|| {
        std::env::var("OBS_LOG").is_ok_and(|v| v.trim().eq_ignore_ascii_case("off"))
    });
    *OFF
}

/// Writes a line. Standard error may be closed: then the line is lost, and the program goes on.
fn line(text: &str) {
    use std::io::Write as _;
    // Write it in one piece, so that lines of other threads and processes do not get in between.
    let _ = std::io::stderr().write_all(complete(text).as_bytes());
}

/// Returns the whole line. What it quotes comes from strangers, and could forge further lines.
fn complete(text: &str) -> String {
    format!("obs: {}\n", Printable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    // bug: an alert's title wrote escape sequences, and lines that obs had not written.
    #[test]
    fn a_line_stays_one_line() {
        let line = complete("an alert is lost (x\nobs: all is well\u{1b}[2J): down");
        let expected = "obs: an alert is lost (x\\nobs: all is well\\u{1b}[2J): down\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn one_line_a_minute_for_each_cause() {
        let mut entries = Vec::new();
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        assert_eq!(admit(&mut entries, "otlp", "timeout", start), Some(0));
        assert_eq!(admit(&mut entries, "otlp", "timeout", second(1)), None);
        assert_eq!(admit(&mut entries, "otlp", "timeout", second(59)), None);
        // Another cause and another source have their own minute.
        assert_eq!(admit(&mut entries, "otlp", "refused", second(2)), Some(0));
        assert_eq!(admit(&mut entries, "alert", "timeout", second(2)), Some(0));
        assert_eq!(admit(&mut entries, "otlp", "timeout", second(60)), Some(2));
        assert_eq!(admit(&mut entries, "otlp", "timeout", second(61)), None);
    }
}
