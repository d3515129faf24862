//! A system clock that a test can set while its program runs: `clock_gettime` in a library that is loaded before the C
//! library. The monotonic clock stays as it is.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{programs, server};

/// Names the file with the seconds by which the clock is shifted.
pub const VARIABLE: &str = "OBS_TESTS_SYSTEM_CLOCK";
const SOURCE: &str = include_str!("system_clock.c");

/// The clock of a process that a test starts.
#[derive(Debug)]
pub struct SystemClock {
    /// Is empty in the process itself.
    folder: PathBuf,
    library: PathBuf,
    shift: PathBuf,
}

impl SystemClock {
    /// Prepares a clock for a process that the test starts; in that process, returns the clock it was started with.
    /// `None`, after a line that says so, where no compiler of C can be run.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when the library does not compile.
    pub fn for_test(test: &str) -> Option<Self> {
        if let Some(shift) = std::env::var_os(VARIABLE) {
            return Some(Self {
                folder: PathBuf::new(),
                library: PathBuf::new(),
                shift: shift.into(),
            });
        }
        let folder = server::folder(test);
        std::fs::create_dir_all(&folder).expect("there is a folder for temporary files");
        let clock = Self {
            library: folder.join("system_clock.so"),
            shift: folder.join("shift"),
            folder,
        };
        if !clock.compile() {
            programs::missing(test, "`cc`, a compiler of C");
            return None;
        }
        std::fs::write(&clock.shift, 0_i64.to_ne_bytes()).expect("the folder can be written to");
        Some(clock)
    }

    /// Compiles the library; returns whether there is a compiler.
    fn compile(&self) -> bool {
        let source = self.folder.join("system_clock.c");
        std::fs::write(&source, SOURCE).expect("the folder can be written to");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]);
        let Ok(compiled) = cc.args([&self.library, &source]).output() else {
            return false;
        };
        let said = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "cc: {said}");
        true
    }

    /// The value of `LD_PRELOAD` for the process.
    ///
    /// # Panics
    /// When the path is not UTF-8.
    pub fn library(&self) -> &str {
        self.library.to_str().expect("UTF-8")
    }

    /// The value of the variable [`VARIABLE`] for the process.
    ///
    /// # Panics
    /// When the path is not UTF-8.
    pub fn shift(&self) -> &str {
        self.shift.to_str().expect("UTF-8")
    }

    /// Sets this process's clock to so many seconds after the true time.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set(&self, seconds: i64) {
        let file = File::options().write(true).open(&self.shift);
        let file = file.expect("the test has made the file");
        // One write: the process sees it in its memory.
        let written = file.write_all_at(&seconds.to_ne_bytes(), 0);
        written.expect("the file can be written");
    }
}

impl Drop for SystemClock {
    fn drop(&mut self) {
        if self.folder != Path::new("") {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
