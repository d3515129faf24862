//! The drain: it reads what the threads recorded, counts every call, and hands spans to the sinks.
//!
//! One pass runs at a time, on the thread that needs it: the drain's own thread by its timer or when
//! much is unread, or a thread that scrapes or flushes. Threads take turns ([`turn`](super::turn)),
//! and a pass can end before it has read everything. Sinks never block in a pass. If something panics
//! in it, what that held is counted as lost, and the pass goes on after it.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::clock;
use crate::error::ErrorKind;
use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::lock::lock;
use crate::processor::hand_on::say_panicked;
use crate::processor::scope_drain::ScopeDrain;
use crate::processor::turn::{Turn, Turns};
use crate::self_obs::{self, LogStats, SpanStats};
use crate::trace::buffer::{self, Limits, Overflow};
use crate::trace::record::{self, Record};
use crate::trace::suppress::{Suppressed, own_thread, suppress};
use crate::trace::timeline::Timeline;

/// The longest time that a finished span lies in a buffer before the drain looks at it, in
/// milliseconds.
static TIMER: AtomicU64 = AtomicU64::new(LONGEST);
const LONGEST: u64 = 500;

/// Makes the drain look more often than it does by default.
#[cfg(feature = "otlp")]
pub(crate) fn look_every(interval: Duration) {
    let millis = interval.as_millis().clamp(1, u128::from(LONGEST));
    TIMER.store(millis as u64, Ordering::Relaxed);
}

struct Drain {
    /// The installed default, to which nearly every record belongs.
    default: Option<ScopeDrain>,
    others: HashMap<u16, ScopeDrain>,
    timeline: Timeline,
}

static DRAIN: PerProcess<Turns<Option<Drain>>> = PerProcess::new(Turns::default);

thread_local! {
    /// The thread runs a pass, or uses what one has left.
    static IN_PASS: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread has its turn at the drain: it would wait for itself if it asked for
/// another one.
pub(crate) fn is_mine() -> bool {
    IN_PASS.get()
}

/// This thread's turn at the drain. Whatever is called meanwhile, on a thread of the program, is work
/// of obs: nothing of it is recorded.
struct Mine {
    turn: Turn<'static, Option<Drain>>,
    _in_pass: InPass,
    _suppressed: Suppressed,
}

struct InPass;

impl Drop for InPass {
    fn drop(&mut self) {
        IN_PASS.set(false);
    }
}

/// Waits for a turn, at most until the deadline.
fn mine(deadline: Option<Instant>) -> Option<Mine> {
    let turn = DRAIN.take(deadline)?;
    IN_PASS.set(true);
    Some(Mine {
        turn,
        _in_pass: InPass,
        _suppressed: suppress(),
    })
}

impl Drain {
    fn has_scopes(&self) -> bool {
        self.default.is_some() || !self.others.is_empty()
    }

    fn scope(&mut self, id: u16) -> Option<&mut ScopeDrain> {
        match id {
            0 => self.default.as_mut(),
            id => self.others.get_mut(&id),
        }
    }

    /// Reads what is published by now, and returns whether it came to the end of it: after each
    /// chunk, and each thread, it asks `goes_on`.
    fn pass(&mut self, timer: bool, goes_on: impl Fn() -> bool) -> bool {
        // Everything that is published before this point ended before the next knot.
        let mut limits = buffer::limits();
        self.timeline.advance();
        clock::publish_rate(self.timeline.rate);
        let mut overflows = Vec::new();
        let is_whole = loop {
            if let Some(is_whole) = guarded(|| self.read(&mut limits, &mut overflows, &goes_on)) {
                break is_whole;
            }
            say_panicked();
            self.scopes().for_each(ScopeDrain::recover);
            if !goes_on() {
                break false;
            }
        };
        for (id, overflow) in overflows {
            if let Some(scope) = self.scope(id) {
                scope.add(&overflow);
            }
        }
        for scope in self.scopes() {
            if guarded(|| scope.pass_end(timer, is_whole)).is_none() {
                say_panicked();
            }
        }
        is_whole
    }

    fn scopes(&mut self) -> impl Iterator<Item = &mut ScopeDrain> {
        self.default.iter_mut().chain(self.others.values_mut())
    }

    /// Reads up to the limits; the records from before a panic are not read again.
    fn read(
        &mut self,
        limits: &mut Limits,
        overflows: &mut Vec<(u16, Overflow)>,
        goes_on: impl Fn() -> bool,
    ) -> bool {
        let Self {
            default,
            others,
            timeline,
        } = self;
        limits.consume(
            // SAFETY: `consume` passes published records.
            |at| unsafe { record::length(at) },
            |at| {
                let each = |record: Record<'_>| {
                    let (Record::Full(scope, ..) | Record::Mini(scope, ..)) = &record;
                    let scope = match *scope {
                        0 => default.as_mut(),
                        id => others.get_mut(&id),
                    };
                    match scope {
                        Some(scope) => scope.take(&record, timeline),
                        None => self_obs::count_late(),
                    }
                };
                // SAFETY: `consume` yields each published record once.
                unsafe { record::read(at, timeline, each) }
            },
            |scope, overflow| overflows.push((scope, overflow)),
            goes_on,
        )
    }
}

/// Adds a scope. Its calls are taken from now on.
pub(crate) fn add(id: u16, scope: ScopeDrain) {
    clock::init();
    let Some(mut drain) = DRAIN.take(None) else {
        return;
    };
    let drain = drain.get_or_insert_with(|| Drain {
        default: None,
        others: HashMap::new(),
        timeline: Timeline::new(),
    });
    match id {
        0 => drain.default = Some(scope),
        id => drop(drain.others.insert(id, scope)),
    }
}

/// Returns a scope id that is free; 0 is the default's, and one is nobody's.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn free_id() -> Option<u16> {
    use std::sync::atomic::AtomicU16;

    use crate::trace::suppress::NOBODY;

    static NEXT: AtomicU16 = AtomicU16::new(1);
    let drain = DRAIN.take(None)?;
    (0..u16::MAX).find_map(|_| {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let taken = drain.as_ref().is_some_and(|d| d.others.contains_key(&id));
        (id != 0 && id != NOBODY && !taken).then_some(id)
    })
}

/// How long whoever asks for a scope's state is ready to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// When it is too late for a pass to begin; none for the time that the chunk takes which
    /// another thread is reading. A pass takes at most half of the time that is left then.
    deadline: Option<Instant>,
    /// How long the pass may take. What is still unread then is read by later passes.
    pass: Duration,
}

impl Patience {
    /// Is for an account: what is read in a moment is part of it.
    pub(crate) const MOMENT: Self = Self {
        deadline: None,
        pass: Duration::from_millis(100),
    };
    /// Is for metrics, which should count all calls that have ended.
    pub(crate) const SCRAPE: Self = Self {
        deadline: None,
        pass: Duration::from_secs(1),
    };

    /// Is for a capture, which must miss nothing: more than any of them takes.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) const CAPTURE: Self = Self {
        deadline: None,
        pass: Duration::from_secs(60),
    };

    /// Leaves half of the time until a deadline, from when the pass begins, for what comes after it.
    pub(crate) const fn half_until(deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            pass: Duration::MAX,
        }
    }

    /// Returns until when a pass may read that begins now.
    fn until(self) -> Instant {
        let now = Instant::now();
        let left = self.deadline.map(|d| d.saturating_duration_since(now) / 2);
        now + left.map_or(self.pass, |left| left.min(self.pass))
    }
}

/// Calls `what` with a scope right after a pass: everything that ended before the call is in it, if
/// the pass was whole, which it is told. Returns nothing if there is no such scope.
///
/// # Errors
/// When no pass could begin in time.
pub(crate) fn after_pass<R>(
    id: u16,
    patience: Patience,
    what: impl FnOnce(&mut ScopeDrain, bool) -> R,
) -> Result<Option<R>, Error> {
    let mut until = None;
    loop {
        let Some(mut drain) = mine(patience.deadline) else {
            return Err(late());
        };
        let Some(drain) = drain.turn.as_mut() else {
            return Ok(None);
        };
        let until = *until.get_or_insert_with(|| patience.until());
        let has_time = || Instant::now() < until;
        // Others who wait have their turn between two parts of the pass.
        let yields = yields();
        let is_whole = drain.pass(true, || has_time() && !yields());
        if is_whole || !has_time() {
            let asked = guarded(|| drain.scope(id).map(|scope| what(scope, is_whole)));
            return asked.ok_or_else(|| {
                say_panicked();
                Error::new(ErrorKind::Export, "an exporter panicked")
            });
        }
    }
}

/// How long a pass reads before it lets others have their turn. Without such a time those who want a
/// whole pass would interrupt each other for ever, since each begins at the first thread again.
const SLICE: Duration = Duration::from_millis(10);

/// Returns what says whether a pass that begins now is to let others have their turn.
fn yields() -> impl Fn() -> bool {
    let began = Instant::now();
    move || began.elapsed() >= SLICE && DRAIN.is_wanted()
}

/// Says that finished spans are still unread, because they come faster than they can be read.
pub(crate) fn late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "finished spans were still in the buffers when the deadline passed",
    )
}

/// Removes a scope after a last pass, which reads as much as it can in half of the time until
/// `deadline`. What is unread then is counted as lost by the shutdown, and what is recorded later
/// as late. `account` is told the last account before anybody finds the scope gone.
pub(crate) fn remove(
    id: u16,
    deadline: Instant,
    account: impl FnOnce((SpanStats, LogStats)),
) -> Option<ScopeDrain> {
    let mut drain = mine(None)?;
    let drain = drain.turn.as_mut()?;
    let until = Patience::half_until(deadline).until();
    if !drain.pass(true, || Instant::now() < until) {
        let scope = drain.scope(id)?;
        scope.give_up();
        drain.pass(true, || true);
    }
    let scope = drain.scope(id)?;
    if guarded(|| scope.finish()).is_none() {
        say_panicked();
    }
    account(scope.stats());
    match id {
        0 => drain.default.take(),
        id => drain.others.remove(&id),
    }
}

/// The drain's thread, while there is a scope.
static THREAD: PerProcess<Mutex<Option<DrainThread>>> = PerProcess::new(Mutex::default);

struct DrainThread {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

/// Starts the drain's thread, if it does not run yet. The scope that needs it has been added.
pub(crate) fn start_thread() -> Result<(), Error> {
    let mut running = lock(&THREAD);
    if running.is_none() {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = self_obs::start_thread("obs-drain", move || run(&stopped))?;
        buffer::set_drain(Some(thread.thread().clone()));
        *running = Some(DrainThread { thread, stop });
    }
    Ok(())
}

/// Ends the drain's thread with the last scope: a library that has an obs of its own can then be
/// unloaded.
pub(crate) fn end_thread(deadline: Instant) {
    // Held until the thread is out of the way, so that a scope which begins now starts another.
    let mut running = lock(&THREAD);
    let Some(drain) = DRAIN.take(Some(deadline)) else {
        return;
    };
    let is_needed = drain.as_ref().is_some_and(Drain::has_scopes);
    drop(drain);
    if is_needed {
        return;
    }
    if let Some(DrainThread { thread, stop }) = running.take() {
        stop.store(true, Ordering::Relaxed);
        buffer::set_drain(None);
        thread.thread().unpark();
        let _ = thread.join();
    }
}

fn run(stop: &AtomicBool) {
    own_thread();
    let mut last = Instant::now();
    let mut is_whole = true;
    while !stop.load(Ordering::Relaxed) {
        let interval = Duration::from_millis(TIMER.load(Ordering::Relaxed));
        if is_whole && !buffer::shared().is_behind() {
            std::thread::park_timeout(interval.saturating_sub(last.elapsed()));
        }
        let timer = last.elapsed() >= interval;
        if timer {
            last = Instant::now();
        }
        // What panics in a pass is met there. The drain outlives what is not.
        is_whole = guarded(|| pass_for_itself(timer, stop)).unwrap_or(true);
    }
}

/// Makes a pass of the drain's own, which ends early if somebody waits for a turn. Returns whether
/// it read everything.
fn pass_for_itself(timer: bool, stop: &AtomicBool) -> bool {
    let Some(mut drain) = mine(None) else {
        return true;
    };
    match drain.turn.as_mut() {
        Some(drain) => {
            let yields = yields();
            let goes_on = || !yields() && !stop.load(Ordering::Relaxed);
            drain.pass(timer, goes_on)
        }
        None => true,
    }
}
