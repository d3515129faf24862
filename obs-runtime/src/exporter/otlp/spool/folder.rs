//! A process's folder in the spool's directory, and the lock that says that the process lives.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::exporter::otlp::spool::file::{Stored, open_regular, private};

const LOCK: &str = "lock";
/// Names of folders begin with it; others in the directory are left alone.
const PREFIX: &str = "process-";

/// A folder that no other process touches while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Held open: the lock is the file's.
    lock: File,
}

impl Folder {
    /// Makes a folder of its own below `dir`, and `dir` if need be.
    pub(super) fn make(dir: &Path) -> io::Result<Self> {
        make_dir(dir, true)?;
        let mut made = Ok(None);
        for _ in 0..100 {
            let random = RandomState::new().hash_one(0_u8) as u32;
            let path = dir.join(format!("{PREFIX}{}-{random:08x}", std::process::id()));
            // Another process may take the folder for an orphan before it is locked.
            made = make_dir(&path, false).and_then(|()| Self::claim(&path));
            match made {
                Ok(Some(folder)) => return Ok(folder),
                Err(e) if !retryable(&e) => return Err(e),
                _ => {}
            }
        }
        made.and_then(|_| Err(io::Error::other("its lock is always taken")))
    }

    /// Takes a folder over if its process has gone.
    pub(super) fn claim(path: &Path) -> io::Result<Option<Self>> {
        let lock_path = path.join(LOCK);
        let Some(lock) = lock_file(&lock_path)? else {
            return Ok(None);
        };
        // Who held the lock before may have removed the folder since the file was opened.
        if !is_at(&lock, &lock_path) {
            return Ok(None);
        }
        inherited::add(&lock);
        Ok(Some(Self {
            path: path.to_owned(),
            lock,
        }))
    }

    /// Lists the requests in it, oldest first; files that are not obs' are left out.
    pub(super) fn files(&self) -> io::Result<Vec<(PathBuf, Stored)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // It is that of a link itself. What has gone meanwhile is left out as well.
            let Some(metadata) = entry.metadata().ok().filter(fs::Metadata::is_file) else {
                continue;
            };
            if let Some(stored) = entry
                .file_name()
                .to_str()
                .and_then(|name| Stored::parse(name, metadata.len()))
            {
                files.push((entry.path(), stored));
            }
        }
        files.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(files)
    }

    /// Removes the folder unless something is left in it.
    pub(super) fn remove_if_empty(&self) {
        let holds_more = fs::read_dir(&self.path).map_or(true, |mut all| {
            all.any(|e| e.is_ok_and(|e| e.file_name() != LOCK))
        });
        if !holds_more {
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(unix)]
mod inherited {
    //! A forked child closes its copies of the locks' files, which would keep the folders locked
    //! after the parent's death.

    use std::fs::File;
    use std::os::fd::AsRawFd as _;
    use std::sync::atomic::{AtomicI32, Ordering};

    const NONE: i32 = -1;

    /// The descriptors of the files. A program has one folder, and one more while it takes over an
    /// orphan; what finds no place here stays locked until the child ends.
    static OPEN: [AtomicI32; 8] = [const { AtomicI32::new(NONE) }; 8];

    fn replace(old: i32, new: i32) {
        for place in &OPEN {
            let replaced = place.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
            if replaced.is_ok() {
                break;
            }
        }
    }

    pub(super) fn add(lock: &File) {
        crate::fork::in_child(close_all);
        replace(NONE, lock.as_raw_fd());
    }

    pub(super) fn remove(lock: &File) {
        replace(lock.as_raw_fd(), NONE);
    }

    fn close_all() {
        for place in &OPEN {
            let descriptor = place.swap(NONE, Ordering::Relaxed);
            if descriptor != NONE {
                // SAFETY: the child's copy of an open file, whose owner is never dropped in the child.
                unsafe { libc::close(descriptor) };
            }
        }
    }
}

#[cfg(not(unix))]
mod inherited {
    pub(super) fn add(_: &std::fs::File) {}
    pub(super) fn remove(_: &std::fs::File) {}
}

impl Drop for Folder {
    fn drop(&mut self) {
        inherited::remove(&self.lock);
        self.remove_if_empty();
    }
}

/// Returns the folders below `dir`, of processes that live or lived.
pub(super) fn all(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type()?.is_dir() {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn retryable(error: &io::Error) -> bool {
    // The folder exists already, or was removed as an orphan.
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
    )
}

fn make_dir(path: &Path, recursive: bool) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens and locks a file; returns `None` if another process holds it.
fn lock_file(path: &Path) -> io::Result<Option<File>> {
    let mut options = private();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = open_regular(path, options)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |m: fs::Metadata| (m.dev(), m.ino());
    file.metadata().map(id).ok() == fs::metadata(path).map(id).ok()
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
