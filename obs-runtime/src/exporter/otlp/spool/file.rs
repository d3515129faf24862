//! One request on disk: a head with length and checksum, then the body as it is sent.
//!
//! The name says what the file holds, so that a damaged one can still be counted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::exporter::otlp::config::Signal;

/// Format and version.
const MAGIC: &[u8; 8] = b"OBSPOOL1";
/// Magic, items, length of the body, checksum.
const HEAD: usize = 8 + 8 + 8 + 4;
/// A longer body was not written by obs: no queue holds it.
const MAX_BODY: u64 = 64 << 20;
/// What file systems give a file at a time, most often.
const BLOCK: u64 = 4096;

/// A request on disk: what the name of its file says, and the room that the file takes.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Stored {
    pub(super) number: u64,
    pub(super) signal: Signal,
    pub(in super::super) items: u64,
    pub(super) bytes: u64,
}

/// Returns the name of a signal in the names of files.
fn name(signal: Signal) -> &'static str {
    signal.http_path().rsplit('/').next().unwrap_or_default()
}

/// Writes the name of the file.
impl core::fmt::Display for Stored {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (number, signal, items) = (self.number, name(self.signal), self.items);
        write!(f, "{number:016x}-{signal}-{items}.otlp")
    }
}

impl Stored {
    /// Reads the name of a file of `len` bytes; none if the file is not obs'.
    pub(super) fn parse(file_name: &str, len: u64) -> Option<Self> {
        let mut parts = file_name.strip_suffix(".otlp")?.split('-');
        let number = parts.next().filter(|n| n.len() == 16)?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let signal = parts.next()?;
        let stored = Self {
            number,
            signal: Signal::ALL.into_iter().find(|s| name(*s) == signal)?,
            items: parts.next()?.parse().ok()?,
            bytes: in_blocks(len),
        };
        // Numbers that obs does not write so, and more items than a body has bytes, would break the account. A file may
        // be shorter than its items: the process was killed in the middle.
        let is_own = stored.to_string() == file_name;
        let is_possible = (1..=MAX_BODY).contains(&stored.items) && len <= HEAD as u64 + MAX_BODY;
        (is_own && is_possible).then_some(stored)
    }
}

/// Returns the room that the file for a body takes on the disk.
pub(super) const fn len_on_disk(body: usize) -> u64 {
    in_blocks((HEAD + body) as u64)
}

const fn in_blocks(len: u64) -> u64 {
    len.div_ceil(BLOCK).saturating_mul(BLOCK)
}

fn checksum(items: u64, body: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(&items.to_le_bytes());
    crc.update(body);
    crc.sum()
}

/// Writes a request; what was written of it is removed again if that fails.
pub(super) fn write(path: &Path, items: u64, body: &[u8]) -> io::Result<()> {
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&items.to_le_bytes());
    head.extend_from_slice(&(body.len() as u64).to_le_bytes());
    head.extend_from_slice(&checksum(items, body).to_le_bytes());
    let written = create(path).and_then(|mut file| {
        file.write_all(&head)?;
        file.write_all(body)
    });
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Creates a file, for this user alone: what a program does may be nobody else's business.
fn create(path: &Path) -> io::Result<File> {
    // One that is there already is not obs', and may lead elsewhere.
    private().write(true).create_new(true).open(path)
}

/// Opens a file that is a file: no link leads elsewhere, and no pipe keeps the thread waiting.
///
/// # Errors
/// When it cannot be opened so, or is something else.
pub(super) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// Returns options by which a new file is for this user alone.
pub(super) fn private() -> OpenOptions {
    #[allow(unused_mut, reason = "it is changed on Unix")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a request back; `None` if the file is not whole.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut file = open_regular(path, OpenOptions::new().read(true))?;
    let mut head = [0; HEAD];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    let (items, len) = (number(8), number(16));
    if &head[..8] != MAGIC || len > MAX_BODY {
        return Ok(None);
    }
    let mut body = Vec::new();
    file.take(len).read_to_end(&mut body)?;
    let is_whole = body.len() as u64 == len && head[24..] == checksum(items, &body).to_le_bytes();
    Ok(is_whole.then_some((items, body)))
}
