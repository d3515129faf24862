//! Finds the programs of a page, for the build script that compiles them and the test that runs them.

use std::path::{Path, PathBuf};

/// A page of the documentation.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A program of a page.
#[allow(
    dead_code,
    reason = "the build script reads the code, the test what it prints"
)]
pub(crate) struct Program {
    /// The page's name and the program's number on it: `readme_1`.
    pub(crate) name: String,
    pub(crate) code: String,
    /// What the page says that it prints.
    pub(crate) prints: String,
}

/// A block between fences, and what stands behind the first of them.
struct Block {
    language: String,
    text: String,
}

/// Returns README.md and the pages of docs/, in the order of their names.
pub(crate) fn pages(root: &Path) -> Vec<Page> {
    let docs = std::fs::read_dir(root.join("docs")).expect("docs/ can be read");
    let mut paths: Vec<PathBuf> = docs
        .map(|entry| entry.expect("docs/ can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    paths.push(root.join("README.md"));
    paths.sort();
    let page = |path: PathBuf| Page {
        text: std::fs::read_to_string(&path).expect("a page can be read"),
        path,
    };
    paths.into_iter().map(page).collect()
}

impl Page {
    /// Returns the blocks of Rust that are whole programs and have their output behind them.
    pub(crate) fn programs(&self) -> Vec<Program> {
        let stem = self.path.file_stem().expect("a page has a name");
        let stem = stem.to_string_lossy().to_lowercase().replace('-', "_");
        let blocks = self.blocks();
        let pairs = blocks.windows(2).filter(|pair| {
            let [code, output] = pair else { return false };
            let is_rust = code.language.split(',').next() == Some("rust");
            is_rust && code.text.contains("fn main(") && output.language == "text"
        });
        pairs
            .enumerate()
            .map(|(at, pair)| Program {
                name: format!("{stem}_{}", at + 1),
                code: pair[0].text.clone(),
                prints: pair[1].text.clone(),
            })
            .collect()
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some(Block {
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => {
                    // Rustdoc hides the mark of such a line and compiles the rest.
                    let line = line.strip_prefix("# ").unwrap_or(line);
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        blocks
    }
}
