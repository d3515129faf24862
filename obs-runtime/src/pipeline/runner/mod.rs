//! The runner of a run on this machine: it does what the [driver](crate::pipeline::driver) says,
//! and tells it what has happened.
//!
//! One task of tokio's owns the driver. Each attempt is a task of its own, which leaves what it has
//! to say in the run's [`Mailbox`]; so the driver needs no lock, and takes many ends at a time.

mod feed;
mod flight;
mod mailbox;
mod settle;
mod watch;

use core::future::poll_fn;
use core::pin::Pin;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use self::feed::Feed;
use self::flight::Flight;
pub(crate) use self::mailbox::{Ended, Mailbox, Message};
use self::watch::Watchers;
use crate::guarded::guarded;
use crate::pipeline::context::Run;
use crate::pipeline::driver::{Command, Driver, Event, Time, Unit};
use crate::pipeline::meters::Queue;
use crate::pipeline::plan::RunLimits;
use crate::pipeline::result::{Output, TaskResult};
use crate::pipeline::state::RunState;
use crate::self_log;

/// The most messages that are read before others have their turn on the thread.
const AT_ONCE: usize = 256;

/// What a run has come to.
pub(crate) struct Finished {
    pub(crate) state: RunState,
    /// In the order of the graph.
    pub(crate) results: Vec<TaskResult>,
    /// The outputs of tasks that nothing depends on.
    pub(crate) outputs: Arc<[Option<Output>]>,
}

/// What is done when a run is late: it is given the results so far.
pub(crate) type OnLate = Box<dyn FnMut(Vec<TaskResult>) + Send>;

/// The state of a run that only its runner touches.
pub(crate) struct Runner {
    run: Arc<Run>,
    driver: Driver,
    commands: Vec<Command>,
    /// The attempts of tasks that run.
    flights: Vec<Option<JoinHandle<()>>>,
    /// The attempts of items that run.
    items: HashMap<Unit, JoinHandle<()>>,
    /// What makes the items of mapped tasks while others work.
    feeds: HashMap<u32, Feed>,
    /// The results of tasks that have ended.
    results: Vec<Option<TaskResult>>,
    on_late: OnLate,
    queue: Queue,
    watchers: Watchers,
    timer: Option<(Time, Pin<Box<Sleep>>)>,
}

impl Runner {
    pub(crate) fn new(run: Arc<Run>, limits: &RunLimits, on_late: OnLate) -> Self {
        let tasks = run.graph.nodes.len();
        Self {
            queue: run.meters.queue(&run.graph.pipeline),
            driver: Driver::new(Arc::clone(&run.graph.plan), limits),
            commands: Vec::new(),
            flights: (0..tasks).map(|_| None).collect(),
            items: HashMap::new(),
            feeds: HashMap::new(),
            results: (0..tasks).map(|_| None).collect(),
            on_late,
            watchers: Watchers::default(),
            timer: None,
            run,
        }
    }

    /// Runs until every task has ended. Dropping the future aborts the tasks.
    pub(crate) async fn drive(mut self) -> Finished {
        let cancel = self.run.cancel.clone();
        let cancelled = cancel.cancelled();
        tokio::pin!(cancelled);
        let mut is_cancelled = cancel.is_cancelled();
        if is_cancelled {
            self.tell(self.run.began, Event::Cancel);
        }
        self.tell(self.run.began, Event::Begin);
        let (mut inbox, mut read) = (Vec::new(), 0);
        while !self.driver.is_over() {
            // Also while messages come without a pause.
            if !is_cancelled && cancel.is_cancelled() {
                is_cancelled = true;
                self.tell(Instant::now(), Event::Cancel);
                continue;
            }
            self.run.mailbox.take(&mut inbox);
            if inbox.is_empty() {
                self.answer();
                // What is due already needs no timer of tokio's, which a runtime may lack.
                if self.tick() {
                    tokio::task::yield_now().await;
                    continue;
                }
                tokio::select! {
                    biased;
                    () = &mut cancelled, if !is_cancelled => {}
                    () = wait(&self.run.mailbox, &mut self.timer, self.driver.next_timer(), self.run.began) => {
                        self.tick();
                    }
                }
                continue;
            }
            for message in inbox.drain(..) {
                self.receive(message);
                read += 1;
            }
            if read >= AT_ONCE {
                read = 0;
                self.tick();
                self.answer();
                tokio::task::yield_now().await;
            }
        }
        self.end_watch();
        self.finish()
    }

    /// Tells the driver that time has passed, if it waits for that. Returns whether it did.
    fn tick(&mut self) -> bool {
        let Some(next) = self.driver.next_timer() else {
            return false;
        };
        let now = Instant::now();
        let is_due = self.time(now) >= next;
        if is_due {
            self.tell(now, Event::Tick);
        }
        is_due
    }

    fn time(&self, at: Instant) -> Time {
        Time::of(at.saturating_duration_since(self.run.began))
    }

    fn tell(&mut self, at: Instant, event: Event) {
        let at = self.time(at);
        if self.driver.apply(at, event, &mut self.commands) {
            self.watchers.changed();
        }
        self.obey();
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Began { unit, attempt, at } => {
                self.tell(at, Event::Began { unit, attempt });
            }
            Message::Released { unit, attempt } => {
                self.tell(Instant::now(), Event::Released { unit, attempt });
            }
            Message::Made { task, made } => self.have_made(task, made),
            Message::Said => self.watchers.changed(),
            Message::Asked(asked) => self.watchers.add(asked),
            Message::Ended {
                unit,
                attempt,
                at,
                ended,
                left,
            } => {
                match unit.item_number() {
                    None => self.flights[unit.task as usize] = None,
                    Some(_) => drop(self.items.remove(&unit)),
                }
                let end = self.keep(unit, ended);
                let ended = Event::Ended {
                    unit,
                    attempt,
                    end,
                    left,
                };
                self.tell(at, ended);
            }
        }
    }

    /// Does what the driver says, and what follows from it.
    fn obey(&mut self) {
        self.queue.show(self.driver.queued());
        let mut commands = Vec::new();
        while !self.commands.is_empty() {
            core::mem::swap(&mut commands, &mut self.commands);
            for command in commands.drain(..) {
                self.execute(command);
            }
        }
        // The list keeps its memory.
        if self.commands.capacity() == 0 {
            self.commands = commands;
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Start { unit, attempt } => {
                let flight = Flight::new(Arc::clone(&self.run), unit, attempt);
                let handle = tokio::spawn(flight);
                match unit.item_number() {
                    None => self.flights[unit.task as usize] = Some(handle),
                    Some(_) => drop(self.items.insert(unit, handle)),
                }
            }
            Command::Stop { unit, why, .. } => {
                self.run.cell(unit.task as usize).of(unit).stop = Some(why);
                let handle = match unit.item_number() {
                    None => self.flights[unit.task as usize].as_ref(),
                    Some(_) => self.items.get(&unit),
                };
                handle.inspect(|handle| handle.abort());
            }
            Command::Expand { task } => self.expand(task),
            Command::Make { task, most } => self.make(task, most),
            Command::Collect { task } => {
                let is_whole = self.collect(task);
                let at = Time::of(self.run.began.elapsed());
                let event = Event::Collected { task, is_whole };
                self.driver.apply(at, event, &mut self.commands);
            }
            Command::End { unit, verdict } => self.settle(unit, verdict),
            Command::Free { task } => {
                let unneeded = self
                    .run
                    .cell(task as usize)
                    .of(Unit::task(task))
                    .output
                    .take();
                guarded(|| drop(unneeded));
            }
            Command::Overrun { task } => self.say_overrun(task),
            Command::Late => {
                let so_far = self.results_so_far();
                (self.on_late)(so_far);
            }
        }
    }

    /// Says that more runs from now on than the limits allow.
    fn say_overrun(&self, task: u32) {
        let graph = &self.run.graph;
        let (pipeline, task) = (&graph.pipeline, &graph.nodes[task as usize].name);
        self_log::warn_from_host(
            "pipeline",
            "stuck",
            format_args!(
                "`{pipeline}`: all that is left waits for an attempt of task `{task}` that was given up and \
                 does not end: its slots go to others, so more may run than the limits say; give what it waits \
                 for a time limit of its own"
            ),
        );
    }
}

/// Waits for a message, or until the driver is to be told the time. A timer that is due earlier
/// than needed only wakes up once more; that is cheaper than to set it anew for each attempt.
async fn wait(
    mailbox: &Mailbox,
    timer: &mut Option<(Time, Pin<Box<Sleep>>)>,
    next: Option<Time>,
    began: Instant,
) {
    if let Some(next) = next
        && timer
            .as_ref()
            .is_none_or(|(at, sleep)| *at > next || sleep.is_elapsed())
    {
        let until = began.checked_add(core::time::Duration::from_nanos(next.0));
        let until = until.unwrap_or_else(|| Instant::now() + FAR);
        match timer {
            Some((at, sleep)) => {
                *at = next;
                sleep.as_mut().reset(until);
            }
            None => *timer = Some((next, Box::pin(tokio::time::sleep_until(until)))),
        }
    }
    poll_fn(|cx| {
        if mailbox.poll(cx).is_ready() {
            return core::task::Poll::Ready(());
        }
        match timer {
            Some((_, sleep)) if next.is_some() => sleep.as_mut().poll(cx),
            _ => core::task::Poll::Pending,
        }
    })
    .await;
}

/// As far away as tokio's own "never".
const FAR: core::time::Duration = core::time::Duration::from_secs(86_400 * 365 * 30);

impl Drop for Runner {
    fn drop(&mut self) {
        let tasks = self.flights.iter().flatten();
        tasks.chain(self.items.values()).for_each(JoinHandle::abort);
        self.run.mailbox.close(None);
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod attempts_tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;

#[cfg(test)]
#[path = "limits_tests.rs"]
mod limits_tests;

#[cfg(test)]
#[path = "items_tests.rs"]
mod items_tests;

#[cfg(test)]
#[path = "peers_tests.rs"]
mod peers_tests;
