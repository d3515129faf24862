//! Reads a folder of text.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::RagError;

/// Larger files are no documents.
const MAX_BYTES: u64 = 4 << 20;

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its path below the folder, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path below the folder.
    pub path: String,
    /// Why, in a few words.
    pub reason: String,
}

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// The texts, by path.
    pub documents: Vec<Document>,
    /// What could not be read as text, by path.
    pub skipped: Vec<Skipped>,
}

/// Which folder is read, and which of its files.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// Only Markdown, as among the sources of this repository; otherwise every file.
    pub markdown_only: bool,
}

impl Folder {
    /// Says what is wrong with the folder, before anything is started.
    ///
    /// # Errors
    /// A sentence, if there is no such folder or nothing in it.
    pub fn check(&self) -> Result<(), String> {
        let shown = self.path.display();
        match fs::read_dir(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(format!(
                "the folder '{shown}' does not exist; give --docs a folder of text files"
            )),
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => Err(format!(
                "'{shown}' is not a folder; give --docs the folder that holds the text files"
            )),
            Err(e) => Err(format!(
                "the folder '{shown}' cannot be read ({})",
                reason(&e)
            )),
            Ok(_) if self.list().0.is_empty() => {
                let what = if self.markdown_only {
                    "Markdown files"
                } else {
                    "files"
                };
                Err(format!(
                    "the folder '{shown}' holds no {what}; give --docs a folder of text files"
                ))
            }
            Ok(_) => Ok(()),
        }
    }

    /// Reads every text below the folder. What is not UTF-8 or cannot be read is skipped and listed.
    ///
    /// # Errors
    /// When not one text is left.
    pub fn load(&self) -> Result<Corpus, RagError> {
        let (files, mut skipped) = self.list();
        let found = files.len();
        let mut documents = Vec::new();
        for file in files {
            let path = self.shown(&file);
            match read_text(&file) {
                Ok(text) => documents.push(Document { path, text }),
                Err(reason) => skipped.push(Skipped { path, reason }),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        if documents.is_empty() {
            let first = skipped.first();
            let first = first.map(|s| format!("{}: {}", s.path, s.reason));
            return Err(RagError(format!(
                "none of the {found} files below '{}' could be read as text ({})",
                self.path.display(),
                first.unwrap_or_default()
            )));
        }
        Ok(Corpus { documents, skipped })
    }

    /// The files below the folder, sorted, and the folders that could not be read.
    fn list(&self) -> (Vec<PathBuf>, Vec<Skipped>) {
        let (mut files, mut skipped) = (Vec::new(), Vec::new());
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) => {
                    skipped.push(Skipped {
                        path: self.shown(&folder),
                        reason: reason(&e),
                    });
                    continue;
                }
            };
            for entry in entries.flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                // A link to a folder is not followed: it may lead back here.
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if name.to_string_lossy().starts_with('.') || (!is_folder && path.is_dir()) {
                    continue;
                }
                if is_folder {
                    // Build output and caches say so: https://bford.info/cachedir/
                    if !path.join("CACHEDIR.TAG").exists() && name != "node_modules" {
                        folders.push(path);
                    }
                } else if !self.markdown_only || path.extension().is_some_and(|e| e == "md") {
                    files.push(path);
                }
            }
        }
        files.sort();
        (files, skipped)
    }

    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    let meta = fs::metadata(file).map_err(|e| reason(&e))?;
    // A pipe would block, a device might never end.
    if !meta.is_file() {
        return Err("not a regular file".to_owned());
    }
    if meta.len() > MAX_BYTES {
        return Err(format!("larger than {} MiB", MAX_BYTES >> 20));
    }
    let bytes = fs::read(file).map_err(|e| reason(&e))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| format!("not UTF-8 (byte {})", e.utf8_error().valid_up_to()))?;
    if text.contains('\0') {
        return Err("not text (it holds zero bytes)".to_owned());
    }
    if text.trim().is_empty() {
        return Err("empty".to_owned());
    }
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// "permission denied", not "Permission denied (os error 13)".
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
