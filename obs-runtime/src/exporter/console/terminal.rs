//! The terminal behind standard error: whether it wants colours, and how wide it is.

use std::io::{self, IsTerminal as _};

/// Returns whether standard error is written in colour: it is on a terminal, unless `NO_COLOR`
/// (<https://no-color.org>) or `TERM=dumb` says otherwise.
pub(super) fn colour() -> bool {
    let set =
        |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !set("NO_COLOR") && !dumb
}

/// Returns the columns of the terminal; none if standard error is no terminal, or does not say.
#[cfg(all(unix, not(miri)))]
pub(super) fn columns() -> Option<usize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the call writes a `winsize`, which is what it is given, or fails. A crate for it would
    // take more of a user's build than the console does.
    let failed = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) } != 0;
    // A terminal that was not told its size says 0.
    (!failed && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(not(all(unix, not(miri))))]
pub(super) fn columns() -> Option<usize> {
    None
}
