//! What the driver is told, and what it says is to be done.

use core::time::Duration;

use crate::pipeline::state::TaskState;
use crate::retry::Hint;

/// A moment of a run: nanoseconds since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) u64);

impl Time {
    /// Later than every other: what is due then never is.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn of(since_begin: Duration) -> Self {
        Self(u64::try_from(since_begin.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This much later, or never.
    pub(crate) fn after(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(Self::of(pause).0))
    }
}

/// What is attempted: a task, or one item of a task that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Unit {
    pub(crate) task: u32,
    item: u32,
}

impl Unit {
    pub(crate) const fn task(task: u32) -> Self {
        Self {
            task,
            item: u32::MAX,
        }
    }

    pub(crate) const fn item(task: u32, item: u32) -> Self {
        Self { task, item }
    }

    /// The item, unless it is the task as a whole.
    pub(crate) const fn item_number(self) -> Option<u32> {
        if self.item == u32::MAX {
            None
        } else {
            Some(self.item)
        }
    }
}

/// What the driver is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The run begins.
    Begin,
    /// An attempt has begun to work: its timeout counts from here, not from when it was asked for.
    Began { unit: Unit, attempt: u32 },
    /// An attempt has ended. `left` says that its work goes on although nobody waits for it, as
    /// that of a thread does which nothing can stop.
    Ended {
        unit: Unit,
        attempt: u32,
        end: End,
        left: bool,
    },
    /// Work that was left has ended.
    Released { unit: Unit, attempt: u32 },
    /// A mapped task has this many items, or the output that gives them could not be read.
    Expanded { task: u32, items: Option<u32> },
    /// The items of a mapped task are made one after the other.
    Opened { task: u32 },
    /// An item was made that was asked for, or no more of them.
    Made { task: u32, made: Made },
    /// The outputs of a mapped task's items were made into its own, or could not be.
    Collected { task: u32, is_whole: bool },
    /// The run is to stop.
    Cancel,
    /// Time has passed.
    Tick,
}

/// What became of items that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// One was made, and more may follow.
    Item,
    /// As many as were asked for have been made.
    Lot,
    /// There are no more.
    All,
    /// The next one could not be made.
    Broken,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Succeeded,
    /// The output was known.
    Cached,
    /// Its condition does not hold: it did nothing.
    Declined,
    Failed(Hint),
    Panicked,
    /// It was dropped: as the driver wanted, or because what ran it is gone.
    Stopped,
}

/// Why an attempt is to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It took longer than an attempt may.
    Timeout,
    /// Its task took longer than it may.
    Deadline,
    /// The run took longer than it may.
    RunDeadline,
    /// The run was cancelled.
    Cancel,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Begin an attempt.
    Start { unit: Unit, attempt: u32 },
    /// Stop an attempt, and say when it has ended.
    Stop { unit: Unit, attempt: u32, why: Why },
    /// Say how many items a mapped task has.
    Expand { task: u32 },
    /// Make items of a mapped task, at most so many.
    Make { task: u32, most: u32 },
    /// Make the output of a mapped task of those of its items, which have ended.
    Collect { task: u32 },
    /// The unit has ended; nothing follows for it.
    End { unit: Unit, verdict: Verdict },
    /// Nobody needs the output of this task any more.
    Free { task: u32 },
    /// All that is left of the run waited for work that was left behind by this task: its slots
    /// went to others, so that more may run than the limits say.
    Overrun { task: u32 },
    /// The run has taken longer than it usually may, and goes on.
    Late,
}

/// How a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) state: TaskState,
    pub(crate) cause: Cause,
}

/// What there is to say of an end beside its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// What the last attempt said.
    Attempt,
    Skipped(Skip),
    /// It was stopped: by its task's deadline, or by the run's end.
    Stopped(Why),
    /// It has waited for a slot for longer than it may.
    QueueTimeout,
    /// A mapped task has this many items, which is more than its `max`.
    TooMany(u32),
    /// The output that gives the items could not be read.
    Unreadable,
    /// An item could not be made.
    Unmade,
    /// The outputs of the items could not be made into one.
    Uncollected,
    /// More items of a mapped task failed than may.
    Items {
        failed: u32,
        allowed: u32,
    },
}

/// Why a task was skipped, with tasks by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    Condition,
    UpstreamFailed(u32),
    UpstreamSkipped(u32),
    NotReached,
}
