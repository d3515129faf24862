//! Rules that the compiler checks: each annotated task evaluates [`check`] in a constant.
//!
//! The walk is iterative and keeps no more than [`CAPACITY`] tasks in mind; larger graphs are
//! checked when the pipeline is built. Names are compared by their hash, because constants cannot
//! compare addresses.

use crate::pipeline::task::TaskMeta;

/// Tasks that one walk can hold.
const CAPACITY: usize = 512;
/// Slots of the table of seen tasks: a power of two, half of them empty.
const SLOTS: usize = 2 * CAPACITY;
/// Bytes of the longest message.
const TEXT: usize = 2048;

/// FNV-1a over pipeline and path: a task's identity in a constant.
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
/// At compile time, with the path of the cycle.
#[track_caller]
pub const fn check(task: &'static TaskMeta, position: usize) {
    let dependency = task.dependencies[position].task;
    // The dependency has errors of its own: they are enough.
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
    /// From the first task to where the walk is.
    path: [&'static TaskMeta; CAPACITY],
    /// Which dependency of each task on the path comes next.
    next: [usize; CAPACITY],
    depth: usize,
    seen: [u64; SLOTS],
    seen_count: usize,
}

impl Walk {
    /// The path from the task to itself that begins with the dependency at `position`, if there is one. Reported by one task of a cycle only,
    /// the one whose path is the first of the alphabet.
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
            // Of the first task only the one dependency.
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

    /// Whether no task on the path comes before the start in the alphabet.
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

    /// Whether the task was not seen before.
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

/// A message, put together at compile time.
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

    /// Appends as much as there is room for.
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
/// At compile time.
#[track_caller]
pub const fn check_moves(moves: bool, retries: u32) {
    assert!(
        !moves || retries == 0,
        "a task that is repeated needs its inputs again: take this output as `&T` or `Arc<T>`, or remove `retries`"
    );
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
