//! The terminal behind a stream of the program: whether it wants colours, and how wide it is.

pub(crate) mod text;

use std::io::{self, IsTerminal as _};

pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const YELLOW: &str = "\x1b[33m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const RESET: &str = "\x1b[0m";

/// A stream of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    #[cfg(feature = "pipeline")]
    Stdout,
    #[cfg(feature = "console")]
    Stderr,
}

impl Stream {
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            #[cfg(feature = "pipeline")]
            Self::Stdout => io::stdout().is_terminal(),
            #[cfg(feature = "console")]
            Self::Stderr => io::stderr().is_terminal(),
        }
    }

    #[cfg(all(unix, not(miri)))]
    fn descriptor(self) -> libc::c_int {
        match self {
            #[cfg(feature = "pipeline")]
            Self::Stdout => libc::STDOUT_FILENO,
            #[cfg(feature = "console")]
            Self::Stderr => libc::STDERR_FILENO,
        }
    }
}

/// Returns whether a stream is written in colour: it is on a terminal, unless `NO_COLOR`
/// (<https://no-color.org>) or `TERM=dumb` says otherwise.
pub(crate) fn colour(stream: Stream) -> bool {
    let set =
        |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !set("NO_COLOR") && !dumb
}

/// Returns the columns of the terminal; none if the stream is on none, or it does not say.
#[cfg(all(unix, not(miri)))]
pub(crate) fn columns(stream: Stream) -> Option<usize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the call writes a `winsize`, which is what it is given, or fails. A crate for it would
    // take more of a user's build than the console does.
    let failed = unsafe { libc::ioctl(stream.descriptor(), libc::TIOCGWINSZ, &raw mut size) } != 0;
    // A terminal that was not told its size says 0.
    (!failed && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(not(all(unix, not(miri))))]
pub(crate) fn columns(_: Stream) -> Option<usize> {
    None
}
