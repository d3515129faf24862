//! A program that is killed again and again, with a receiver that is there, refuses, breaks off or hangs: what it
//! was told is safe arrives, once.
#![cfg(unix)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use obs_tests::otlp_receiver::{Mode, OtlpReceiver};

use crate::program::{PROGRAM, command};

struct Program {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(receiver: &OtlpReceiver, spool: &Path, first: u64) -> Self {
        let mut child = command(PROGRAM, "steps", receiver)
            .arg(first.to_string())
            .env("OBS_SPOOL", spool)
            .env("OBS_LOG", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn step(&mut self, times: usize) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all("\n".repeat(times).as_bytes()).unwrap();
    }

    /// The number up to which spans are safe, and how many of this process and of earlier ones wait; none at
    /// the end.
    fn safe(&mut self) -> Option<(u64, u64)> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        // A line that the kill cut off was not said.
        let (safe, waiting) = line.strip_suffix('\n')?.split_once(' ')?;
        Some((safe.parse().unwrap(), waiting.parse().unwrap()))
    }

    /// SIGKILL; returns the last number that it said is safe.
    fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        let mut last = None;
        while let Some((safe, _)) = self.safe() {
            last = Some(safe);
        }
        self.child.wait().unwrap();
        last
    }
}

fn directory() -> PathBuf {
    let name = format!("obs-delivery-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn nothing_that_is_safe_is_lost_and_nothing_arrives_twice() {
    let spool = directory();
    let receiver = OtlpReceiver::start(Mode::Accept);
    let mut safe = Vec::new();
    let mut random = 7_u64;
    for round in 0..12 {
        let first = round * 1_000_000;
        let modes = [Mode::Unavailable, Mode::HangUp, Mode::Accept];
        let mode = modes[round as usize % 3];
        receiver.set(mode);
        let mut program = Program::start(&receiver, &spool, first);
        let mut last = first;
        if mode == Mode::Accept {
            // Killed at rest: of a request whose answer it did not live to read nobody can know.
            loop {
                program.step(1);
                let (said, waiting) = program.safe().unwrap();
                last = said;
                if waiting == 0 {
                    break;
                }
            }
        } else {
            // Killed at any point.
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            program.step(200);
            for _ in 0..=(random >> 33) % 20 {
                last = program.safe().unwrap().0;
            }
        }
        last = program.kill().unwrap_or(last);
        // Its last request meets what the receiver did at that time.
        receiver.wait_until_left();
        safe.push((first, last));
    }

    // Once more, to bring what is left.
    receiver.set(Mode::Accept);
    let mut program = Program::start(&receiver, &spool, u64::from(u32::MAX));
    loop {
        program.step(1);
        if program.safe().unwrap().1 == 0 {
            break;
        }
    }
    drop(program.child.stdin.take());
    assert!(program.child.wait().unwrap().success());

    let arrived = receiver.spans();
    let numbers: HashSet<u64> = arrived.iter().filter_map(|span| span.n).collect();
    assert_eq!(numbers.len(), arrived.len(), "some arrived twice");
    for (first, last) in safe {
        let missing: Vec<_> = (first..last).filter(|n| !numbers.contains(n)).collect();
        assert_eq!(missing, [0; 0], "of {first} to {last}");
        assert!(last > first);
    }
    let left = std::fs::read_dir(&spool).unwrap().count();
    assert_eq!(left, 0, "folders are left in the spool");
    std::fs::remove_dir_all(&spool).unwrap();
}
