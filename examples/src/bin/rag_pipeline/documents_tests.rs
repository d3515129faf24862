use super::*;
use crate::temp_dir::TempDir;

fn folder(dir: &TempDir, markdown_only: bool) -> Folder {
    Folder {
        path: dir.as_ref().to_owned(),
        markdown_only,
    }
}

#[test]
fn texts_are_read_in_order_and_the_rest_is_listed() {
    let dir = TempDir::new();
    dir.write("b.txt", b"second");
    dir.write("a/first.md", "\u{feff}first".as_bytes());
    dir.write("latin1.txt", b"caf\xe9");
    dir.write("image.bin", b"a\0b");
    dir.write("empty.txt", b" \n");
    dir.write(".hidden", b"no");
    dir.write("target/CACHEDIR.TAG", b"tag");
    dir.write("target/out.txt", b"no");
    let corpus = folder(&dir, false).load().unwrap();
    let texts: Vec<_> = corpus
        .documents
        .iter()
        .map(|d| (d.path.as_str(), d.text.as_str()))
        .collect();
    assert_eq!(texts, [("a/first.md", "first"), ("b.txt", "second")]);
    let skipped: Vec<_> = corpus
        .skipped
        .iter()
        .map(|s| (s.path.as_str(), s.reason.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("empty.txt", "empty"),
            ("image.bin", "not text (it holds zero bytes)"),
            ("latin1.txt", "not UTF-8 (byte 3)")
        ]
    );
}

#[test]
fn only_markdown_is_read_where_sources_lie_beside_it() {
    let dir = TempDir::new();
    dir.write("README.md", b"text");
    dir.write("main.rs", b"fn main() {}");
    assert_eq!(folder(&dir, true).load().unwrap().documents.len(), 1);
}

#[test]
fn what_is_wrong_with_a_folder_is_said_before_the_run() {
    let dir = TempDir::new();
    assert!(
        folder(&dir, false)
            .check()
            .unwrap_err()
            .contains("holds no files")
    );
    dir.write("a.txt", b"text");
    assert_eq!(folder(&dir, false).check(), Ok(()));
    assert!(
        folder(&dir, true)
            .check()
            .unwrap_err()
            .contains("holds no Markdown files")
    );
    let missing = Folder {
        path: dir.as_ref().join("none"),
        markdown_only: false,
    };
    assert!(missing.check().unwrap_err().contains("does not exist"));
    let file = Folder {
        path: dir.as_ref().join("a.txt"),
        markdown_only: false,
    };
    assert!(file.check().unwrap_err().contains("is not a folder"));
}

#[test]
fn a_folder_without_a_single_text_is_an_error_that_names_one() {
    let dir = TempDir::new();
    dir.write("x.bin", b"\xff\xfe");
    let error = folder(&dir, false).load().unwrap_err().to_string();
    assert!(
        error.contains("none of the 1 files") && error.contains("x.bin: not UTF-8"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_in_a_circle_and_a_pipe_are_no_trouble() {
    let dir = TempDir::new();
    dir.write("a.txt", b"text");
    std::os::unix::fs::symlink(dir.as_ref(), dir.as_ref().join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.as_ref().join("dangling.txt")).unwrap();
    let pipe = dir.as_ref().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let corpus = folder(&dir, false).load().unwrap();
    assert_eq!(corpus.documents.len(), 1);
    let reasons: Vec<_> = corpus.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(reasons, ["no such file or directory", "not a regular file"]);
}
