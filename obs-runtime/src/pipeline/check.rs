//! The checks of the task graph that the compiler makes.
//!
//! Each annotated task evaluates [`check`] in a constant, so a cycle or a dependency in another
//! pipeline is a compile error. The walk is iterative and keeps at most [`CAPACITY`] tasks in mind;
//! larger graphs are checked when the pipeline is built. Tasks are compared by a hash of their
//! names, because constants cannot compare addresses. Everything here must stay `const`.

use crate::pipeline::task::TaskMeta;

/// The most tasks that one walk can hold.
const CAPACITY: usize = 512;
/// The slots of the table of seen tasks: a power of two, so that at least half of them stay empty.
const SLOTS: usize = 2 * CAPACITY;
/// The most bytes that a message has.
const TEXT: usize = 2048;

/// Returns a task's identity in a constant: FNV-1a over its pipeline and path.
const fn identity(task: &TaskMeta) -> u64 {
    let hash = fnv(0xcbf2_9ce4_8422_2325, task.pipeline.as_bytes());
    match fnv(fnv(hash, &[0xff]), task.path.as_bytes()) {
        // 0 marks an empty slot.
        0 => 1,
        hash => hash,
    }
}

const fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

/// Refuses a dependency in another pipeline, and one through which the task depends on itself.
///
/// # Panics
/// Panics at compile time, with the path of the cycle.
#[track_caller]
pub const fn check(task: &'static TaskMeta, position: usize) {
    let dependency = task.dependencies[position].task;
    // The dependency did not compile, and its own errors are enough.
    if dependency.pipeline.is_empty() {
        return;
    }
    if !equal(dependency.pipeline, task.pipeline) {
        let mut text = Text::new();
        text.push_all(&[
            "`",
            task.path,
            "` belongs to pipeline \"",
            task.pipeline,
            "\" and depends on `",
            dependency.path,
            "` of pipeline \"",
            dependency.pipeline,
            "\": a task depends on tasks of its own pipeline only",
        ]);
        text.fail();
    }
    if let Some(walk) = Walk::to_itself(task, position) {
        let mut text = Text::new();
        text.push_all(&[
            "tasks of pipeline \"",
            task.pipeline,
            "\" depend on each other: ",
        ]);
        let mut i = 0;
        while i < walk.depth {
            text.push_all(&[walk.path[i].path, " -> "]);
            i += 1;
        }
        text.push(task.path);
        text.fail();
    }
}

/// A depth-first walk over dependencies.
struct Walk {
    /// The tasks from the first one to where the walk is.
    path: [&'static TaskMeta; CAPACITY],
    /// The dependency that comes next, for each task on the path.
    next: [usize; CAPACITY],
    depth: usize,
    seen: [u64; SLOTS],
    seen_count: usize,
}

impl Walk {
    /// Returns the path from the task to itself that begins with the dependency at `position`.
    ///
    /// Only one task of a cycle gets it, the first by its path in the alphabet, so that each cycle
    /// is reported once.
    const fn to_itself(start: &'static TaskMeta, position: usize) -> Option<Self> {
        let goal = identity(start);
        let mut walk = Self {
            path: [start; CAPACITY],
            next: [0; CAPACITY],
            depth: 1,
            seen: [0; SLOTS],
            seen_count: 0,
        };
        walk.next[0] = position;
        while walk.depth > 0 {
            let at = walk.depth - 1;
            let task = walk.path[at];
            // Only one dependency of the first task is followed.
            let end = if at == 0 {
                position + 1
            } else {
                task.dependencies.len()
            };
            if walk.next[at] >= end {
                walk.depth -= 1;
                continue;
            }
            let dependency = task.dependencies[walk.next[at]].task;
            walk.next[at] += 1;
            let id = identity(dependency);
            if id == goal {
                return if walk.is_first(start) {
                    Some(walk)
                } else {
                    None
                };
            }
            if walk.mark(id) {
                if walk.depth == CAPACITY || walk.seen_count == CAPACITY {
                    return None;
                }
                walk.path[walk.depth] = dependency;
                walk.next[walk.depth] = 0;
                walk.depth += 1;
            }
        }
        None
    }

    /// Returns whether no task on the path comes before the start in the alphabet.
    const fn is_first(&self, start: &TaskMeta) -> bool {
        let mut i = 1;
        while i < self.depth {
            if before(self.path[i].path, start.path) {
                return false;
            }
            i += 1;
        }
        true
    }

    /// Marks a task as seen, and returns whether it was not seen before.
    const fn mark(&mut self, id: u64) -> bool {
        let mut slot = id as usize % SLOTS;
        while self.seen[slot] != 0 {
            if self.seen[slot] == id {
                return false;
            }
            slot = (slot + 1) % SLOTS;
        }
        self.seen[slot] = id;
        self.seen_count += 1;
        true
    }
}

const fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && !before(a, b) && !before(b, a)
}

const fn before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

/// A message that is put together at compile time.
struct Text {
    bytes: [u8; TEXT],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; TEXT],
            len: 0,
        }
    }

    const fn push_all(&mut self, parts: &[&str]) {
        let mut i = 0;
        while i < parts.len() {
            self.push(parts[i]);
            i += 1;
        }
    }

    /// Appends as much of a text as there is room for.
    const fn push(&mut self, part: &str) {
        let part = part.as_bytes();
        let mut i = 0;
        while i < part.len() && self.len < TEXT {
            self.bytes[self.len] = part[i];
            self.len += 1;
            i += 1;
        }
    }

    #[track_caller]
    const fn fail(&self) -> ! {
        let (text, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(text) {
            Ok(text) => panic!("{}", text),
            // The end was cut inside a character.
            Err(_) => panic!("tasks depend on each other in a circle"),
        }
    }
}

/// Refuses a parameter that takes an output away from a task that may need it again.
///
/// # Panics
/// Panics at compile time if the task has retries.
#[track_caller]
pub const fn check_moves(moves: bool, retries: u32) {
    assert!(
        !moves || retries == 0,
        "a task that is repeated needs its inputs again: take this output as `&T` or `Arc<T>`, or remove `retries`"
    );
}

/// Refuses a mapped task of which no item could work.
///
/// # Panics
/// Panics at compile time if the number is 0.
#[track_caller]
pub const fn check_parallel(parallel: u32) {
    assert!(
        parallel > 0,
        "`parallel` is the number of items that work at once: at least 1"
    );
}

/// Refuses a parameter that takes an output away which all items of a mapped task need.
///
/// # Panics
/// Panics at compile time if it does.
#[track_caller]
pub const fn check_shared(moves: bool) {
    assert!(
        !moves,
        "a mapped task is called for each of its items, and all of them need this output: take it as `&T` or `Arc<T>`"
    );
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
