//! The driver of a run: it decides what begins, what is repeated, what stops and how everything
//! ends, and does nothing of it.
//!
//! It is a state machine without I/O and without a clock. It is told what has happened and when
//! ([`Event`]), and says what is to be done ([`Command`]). Whoever runs attempts is its executor:
//! the local [runner](crate::pipeline::runner), or a test. The same events at the same times give
//! the same commands, random parts of pauses included.
//!
//! Whatever it is told, no unit leaves a state in which it has ended: an event that comes too late,
//! twice, or of something that does not exist is refused.

mod due;
mod ends;
mod event;
mod fan;
mod feed;
mod permits;
mod rules;
mod stop;
mod timers;

use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use event::{Cause, Command, End, Event, Made, Skip, Time, Unit, Verdict, Why};

use self::due::is_live;
use self::fan::Fan;
use self::permits::{Permits, Ticket};
use self::stop::Left;
use self::timers::{Due, Timers};
use crate::pipeline::plan::{Plan, Rule, RunLimits};
use crate::pipeline::state::{RunState, TaskState};

/// What is known of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) state: TaskState,
    /// Why the attempt that runs is being stopped.
    stopping: Option<Why>,
    /// How its last attempt ended, while another one is to follow.
    last: TaskState,
    /// Whether the attempt that runs has begun to work.
    is_timed: bool,
    /// The attempts that have begun.
    pub(crate) attempts: u32,
    ticket: Ticket,
    /// Since when it waits for its permits.
    queued: Time,
    /// How long its attempts have waited for permits, in nanoseconds.
    waited: u64,
    pub(crate) began: Option<Time>,
    pub(crate) ended: Time,
}

/// The ticket of a unit that waits for no permit.
const NO_TICKET: Ticket = Ticket::MAX;

impl Slot {
    const NEW: Self = Self {
        state: TaskState::Scheduled,
        stopping: None,
        last: TaskState::Failed,
        is_timed: false,
        attempts: 0,
        ticket: NO_TICKET,
        queued: Time(0),
        waited: 0,
        began: None,
        ended: Time(0),
    };

    pub(crate) fn waited(&self) -> core::time::Duration {
        core::time::Duration::from_nanos(self.waited)
    }

    fn runs(&self, attempt: u32) -> bool {
        self.state == TaskState::Running && self.attempts == attempt
    }
}

/// What is known of a task.
#[derive(Debug)]
struct Task {
    slot: Slot,
    /// The dependencies that have not ended.
    open: u32,
    /// The dependants that have not ended; at 0 the output is freed.
    needed: u32,
    deadline: Time,
    /// Why it was skipped, so that those behind it say so.
    skip: Option<Skip>,
    /// Whether its items are being counted, or their outputs made into one.
    is_asked: bool,
    /// The items of a task that is mapped, once they have been counted.
    fan: Option<Box<Fan>>,
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Driver {
    plan: Arc<Plan>,
    tasks: Vec<Task>,
    permits: Permits,
    timers: Timers,
    now: Time,
    seed: u64,
    has_begun: bool,
    deadline: Time,
    late: Time,
    /// Why nothing begins any more.
    halted: Option<Why>,
    /// The tasks that have not ended.
    unended: usize,
    /// The attempts that run, those included that are being stopped.
    running: usize,
    /// The units that pause, and the mapped tasks that wait for their executor.
    pausing: usize,
    /// The units that wait for permits.
    queued: usize,
    left: Vec<Left>,
    /// When the driver wants to look at them next.
    look_at_left: Time,
    /// The tasks that failed, that were cancelled, and that the run's deadline has cut off.
    failed: usize,
    cancelled: usize,
    cut_off: usize,
    /// Tasks that have ended, and whose dependants have not been told.
    ended: VecDeque<u32>,
    ready: VecDeque<u32>,
    /// What tests hold the permits against.
    #[cfg(test)]
    limits: RunLimits,
}

impl Driver {
    /// A run that has not begun.
    pub(crate) fn new(plan: Arc<Plan>, limits: &RunLimits) -> Self {
        let task = |rule: &Rule| Task {
            slot: Slot::NEW,
            open: rule.dependencies.len() as u32,
            needed: rule.dependants.len() as u32,
            deadline: Time::NEVER,
            skip: None,
            is_asked: false,
            fan: None,
        };
        let tasks: Vec<Task> = plan.tasks.iter().map(task).collect();
        Self {
            unended: tasks.len(),
            tasks,
            permits: Permits::new(limits.parallel, &limits.named),
            timers: Timers::default(),
            now: Time(0),
            seed: limits.seed,
            has_begun: false,
            deadline: limits.deadline.map_or(Time::NEVER, Time::of),
            late: limits.late.map_or(Time::NEVER, Time::of),
            halted: None,
            running: 0,
            pausing: 0,
            queued: 0,
            left: Vec::new(),
            look_at_left: Time::NEVER,
            failed: 0,
            cancelled: 0,
            cut_off: 0,
            ended: VecDeque::new(),
            ready: VecDeque::new(),
            #[cfg(test)]
            limits: limits.clone(),
            plan,
        }
    }

    /// Begins with the tasks that wait for none.
    fn begin(&mut self) -> bool {
        if self.halted.is_some() || core::mem::replace(&mut self.has_begun, true) {
            return false;
        }
        let nobody = Unit::task(0);
        self.timers.set(self.deadline, Due::RunDeadline, nobody, 0);
        self.timers.set(self.late, Due::Late, nobody, 0);
        let tasks = self.tasks.iter().enumerate();
        let ready = tasks.filter(|(_, task)| task.open == 0);
        self.ready = ready.map(|(at, _)| at as u32).collect();
        true
    }

    /// Takes in what has happened. Returns whether it was something that could happen: an event
    /// that is refused changes nothing.
    pub(crate) fn apply(&mut self, now: Time, event: Event, out: &mut Vec<Command>) -> bool {
        self.now = self.now.max(now);
        let taken = match event {
            Event::Begin => self.begin(),
            Event::Began { unit, attempt } => self.began(unit, attempt),
            Event::Ended {
                unit,
                attempt,
                end,
                left,
            } => self.attempt_ended(unit, attempt, end, left, out),
            Event::Released { unit, attempt } => self.released(unit, attempt),
            Event::Expanded { task, items } => self.expanded(task, items, out),
            Event::Opened { task } => self.opened(task, out),
            Event::Made { task, made } => self.made(task, made, out),
            Event::Collected { task, is_whole } => self.collected(task, is_whole, out),
            Event::Cancel => self.halt(Why::Cancel, out),
            Event::Tick => self.tick(out),
        };
        if taken {
            self.flow(out);
        }
        taken
    }

    /// Returns when the driver is to be told that time has passed.
    pub(crate) fn next_timer(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Returns how many units wait for permits.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Returns whether attempts of a task need permits that may be taken.
    pub(crate) fn may_wait(&self, task: u32) -> bool {
        let rule = self.plan.tasks.get(task as usize);
        rule.is_some_and(|rule| !self.permits.are_endless(rule.limit))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.unended == 0
    }

    /// Returns how the run has ended, or that it has not.
    pub(crate) fn state(&self) -> RunState {
        match (self.cancelled, self.cut_off, self.failed) {
            _ if !self.is_over() => RunState::Running,
            (0, 0, 0) => RunState::Succeeded,
            (0, 0, _) => RunState::Failed,
            (0, ..) => RunState::TimedOut,
            _ => RunState::Cancelled,
        }
    }

    /// Returns what is known of a unit; none of an item that was never reached.
    pub(crate) fn slot(&self, unit: Unit) -> Option<&Slot> {
        let task = self.tasks.get(unit.task as usize)?;
        match unit.item_number() {
            None => Some(&task.slot),
            Some(item) => task.fan.as_ref()?.items.get(item as usize),
        }
    }

    /// Returns how many items a mapped task has, once they have been counted.
    pub(crate) fn items(&self, task: u32) -> Option<u32> {
        Some(self.tasks.get(task as usize)?.fan.as_ref()?.len)
    }

    fn slot_mut(&mut self, unit: Unit) -> Option<&mut Slot> {
        let task = self.tasks.get_mut(unit.task as usize)?;
        match unit.item_number() {
            None => Some(&mut task.slot),
            Some(item) => task.fan.as_mut()?.items.get_mut(item as usize),
        }
    }

    fn rule(&self, task: u32) -> &Rule {
        &self.plan.tasks[task as usize]
    }

    /// Lets everything happen that follows from what has happened.
    fn flow(&mut self, out: &mut Vec<Command>) {
        loop {
            if let Some(task) = self.ended.pop_front() {
                self.tell_neighbours(task, out);
            } else if let Some(task) = self.ready.pop_front() {
                self.became_ready(task, out);
            } else if !self.grant(out) {
                break;
            }
        }
        self.timers.tidy({
            let tasks = &self.tasks;
            move |timer| is_live(tasks, timer)
        });
    }

    /// Tells the tasks before and after one that has ended.
    fn tell_neighbours(&mut self, task: u32, out: &mut Vec<Command>) {
        let plan = Arc::clone(&self.plan);
        let rule = &plan.tasks[task as usize];
        for dependant in &rule.dependants {
            let behind = &mut self.tasks[*dependant as usize];
            behind.open -= 1;
            if behind.open == 0 && !behind.slot.state.is_terminal() {
                self.ready.push_back(*dependant);
            }
        }
        for edge in &rule.dependencies {
            let before = &mut self.tasks[edge.task as usize];
            before.needed -= 1;
            if before.needed == 0 {
                out.push(Command::Free { task: edge.task });
            }
        }
    }

    /// All dependencies of a task have ended.
    fn became_ready(&mut self, task: u32, out: &mut Vec<Command>) {
        let at = task as usize;
        if self.halted.is_some() || self.tasks[at].slot.state.is_terminal() {
            return;
        }
        if let Err(skip) = self.may_run(task) {
            self.finish(
                Unit::task(task),
                TaskState::Skipped,
                Cause::Skipped(skip),
                out,
            );
            return;
        }
        let rule = self.rule(task);
        let is_mapped = rule.map.is_some();
        if let Some(deadline) = rule.times.deadline {
            let deadline = self.now.after(deadline);
            self.tasks[at].deadline = deadline;
            self.timers
                .set(deadline, Due::Deadline, Unit::task(task), 0);
        }
        if is_mapped {
            self.pausing += 1;
            self.tasks[at].is_asked = true;
            out.push(Command::Expand { task });
        } else {
            self.line_up(Unit::task(task), out);
        }
    }

    /// Lets a unit wait for its permits; it begins at once if nothing limits it.
    fn line_up(&mut self, unit: Unit, out: &mut Vec<Command>) {
        let (now, rule) = (self.now, self.rule(unit.task));
        let (limit, times) = (rule.limit, rule.times);
        if self.permits.are_endless(limit) {
            self.start(unit, out);
            return;
        }
        let ticket = self.permits.line_up(unit, limit);
        let Some(slot) = self.slot_mut(unit) else {
            return;
        };
        slot.state = TaskState::Scheduled;
        slot.ticket = ticket;
        slot.queued = now;
        let attempts = slot.attempts;
        self.queued += 1;
        if let Some(longest) = times.queue_timeout {
            let at = now.after(longest);
            self.timers.set(at, Due::Queue, unit, attempts);
        }
    }

    /// Starts all that have permits, and takes those of abandoned work if nothing else is left.
    /// Returns whether more may follow.
    fn grant(&mut self, out: &mut Vec<Command>) -> bool {
        loop {
            let tasks = &self.tasks;
            let taken = self.permits.take(|unit, ticket| {
                let task = &tasks[unit.task as usize];
                let slot = match unit.item_number() {
                    None => Some(&task.slot),
                    Some(item) => task.fan.as_ref().and_then(|f| f.items.get(item as usize)),
                };
                slot.is_some_and(|slot| slot.ticket == ticket)
            });
            let Some(unit) = taken else { break };
            self.leave_line(unit);
            self.start(unit, out);
        }
        self.take_away(out)
    }

    /// A unit waits no more, whatever for; its place in the line is stale.
    fn leave_line(&mut self, unit: Unit) {
        let now = self.now;
        if let Some(slot) = self.slot_mut(unit)
            && slot.ticket != NO_TICKET
        {
            slot.ticket = NO_TICKET;
            slot.waited = slot
                .waited
                .saturating_add(now.0.saturating_sub(slot.queued.0));
            self.queued -= 1;
            if self.rule(unit.task).times.queue_timeout.is_some() {
                self.timers.forget();
            }
        }
    }

    /// Begins an attempt, for which there are permits.
    fn start(&mut self, unit: Unit, out: &mut Vec<Command>) {
        let now = self.now;
        let Some(slot) = self.slot_mut(unit) else {
            return;
        };
        slot.state = TaskState::Running;
        slot.attempts = slot.attempts.saturating_add(1);
        slot.began.get_or_insert(now);
        slot.is_timed = false;
        let attempt = slot.attempts;
        self.running += 1;
        if unit.item_number().is_some() {
            let task = &mut self.tasks[unit.task as usize].slot;
            task.state = TaskState::Running;
            task.attempts = task.attempts.max(attempt);
            task.began.get_or_insert(now);
        }
        out.push(Command::Start { unit, attempt });
    }

    fn began(&mut self, unit: Unit, attempt: u32) -> bool {
        if self.is_mapped(unit) {
            return false;
        }
        let Some(slot) = self.slot_mut(unit).filter(|slot| slot.runs(attempt)) else {
            return false;
        };
        if core::mem::replace(&mut slot.is_timed, true) {
            return false;
        }
        if let Some(timeout) = self.rule(unit.task).times.timeout {
            let at = self.now.after(timeout);
            self.timers.set(at, Due::Timeout, unit, attempt);
        }
        true
    }

    /// The number of timers, those without a reason included.
    #[cfg(test)]
    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }
}

/// The state of a unit that was stopped for this reason.
fn stopped(why: Why) -> TaskState {
    match why {
        Why::Cancel => TaskState::Cancelled,
        Why::Timeout | Why::Deadline | Why::RunDeadline => TaskState::TimedOut,
    }
}

#[cfg(test)]
mod audit;

#[cfg(test)]
pub(crate) mod model;

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;

#[cfg(test)]
#[path = "random_tests.rs"]
mod random_tests;
