//! What README.md and docs/ say is so: programs print what stands behind them, links lead to a page, and the index has
//! every page.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../src/blocks.rs"]
mod blocks;

use blocks::{Page, Program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_obs-tests-pages");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages() -> Vec<Page> {
    blocks::pages(&root())
}

fn name(page: &Page) -> String {
    page.path
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// Replaces what differs from run to run: times, ids, bars, and the columns that they move.
fn normal(line: &str) -> String {
    let line = line.replace('━', " ");
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or(("", word));
        let end = value.trim_end_matches([',', ';', ':', '}']).len();
        let (value, mark) = value.split_at(end);
        let value = if is_id(value) {
            "ID"
        } else if is_time(value) {
            "TIME"
        } else {
            value
        };
        let unit = ["ns", "µs", "ms", "s"].contains(&value);
        if unit && words.last().is_some_and(|last| last.parse::<f64>().is_ok()) {
            words.pop();
            // From how long to how long.
            if words.last().is_some_and(|last| last == "to") {
                words.truncate(words.len() - 2);
            }
            words.push(format!("TIME{mark}"));
        } else if key.is_empty() {
            words.push(format!("{value}{mark}"));
        } else {
            words.push(format!("{key}={value}{mark}"));
        }
    }
    words.join(" ")
}

/// Whether a word is the id of a trace, a span or a run.
fn is_id(word: &str) -> bool {
    let word = word.trim_matches('"');
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_hex && [16, 32, 36].contains(&word.len())
}

/// Whether a word is a moment (RFC 3339), or a duration with its unit.
fn is_time(word: &str) -> bool {
    let word = word.trim_matches('"');
    let units = ["ns", "us", "µs", "ms", "s", "min"];
    let number = units.iter().find_map(|unit| word.strip_suffix(unit));
    let is_moment = word.len() > 19 && word.as_bytes()[10] == b'T' && word.ends_with('Z');
    is_moment || number.is_some_and(|number| number.parse::<f64>().is_ok())
}

/// The lines of a text, without those that a panic writes around its message.
fn lines(text: &str) -> Vec<String> {
    let by_panic = |line: &&str| line.starts_with("thread '") || line.starts_with("note: run with");
    let lines = text.lines().filter(|line| !by_panic(line));
    lines.map(normal).filter(|line| !line.is_empty()).collect()
}

/// Runs a program as if nothing was configured; returns its standard output and its standard error.
fn run(program: &Program) -> (String, String) {
    let mut command = Command::new(PROGRAM);
    let ours = |name: &str| {
        ["OTEL_", "OBS_", "RUST_"]
            .iter()
            .any(|of| name.starts_with(of))
    };
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    let output = command.arg(&program.name).output().unwrap();
    // A reader's program is a crate of its own, which pages call `shop`.
    let module = format!("obs_tests_pages::{}", program.name);
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&module, "shop");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn programs_print_what_stands_behind_them() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for program in pages().iter().flat_map(Page::programs) {
        count += 1;
        let (stdout, stderr) = run(&program);
        // Which thread writes first is their affair: what the program prints, the lines of obs about itself and
        // all else have each their own order.
        let (own, others): (Vec<_>, Vec<_>) = lines(&stderr)
            .into_iter()
            .partition(|line| line.starts_with("obs: "));
        let mut expected = lines(&program.prints);
        for line in lines(&stdout).into_iter().chain(own) {
            match expected.iter().position(|other| *other == line) {
                Some(at) => drop(expected.remove(at)),
                None => expected.push(format!("not on the page: {line}")),
            }
        }
        if expected != others {
            let page = expected.join("\n");
            let printed = others.join("\n");
            wrong.push(format!(
                "{}:\n{stdout}{stderr}\nof standard error the page has\n{page}\nand the program\n{printed}\n",
                program.name
            ));
        }
    }
    let wrong = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "these programs do not print what their page says:\n\n{wrong}"
    );
    assert!(count >= 7, "{count} programs were found");
}

/// Where the links of a page lead, apart from other servers.
fn links(page: &Page) -> Vec<String> {
    let targets = page.text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://"));
    local.map(str::to_owned).collect()
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    let text: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    text.replace(' ', "-")
}

#[test]
fn links_lead_to_what_is_there() {
    for page in pages() {
        for link in links(&page) {
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let folder = page.path.parent().unwrap();
            let path = if file.is_empty() {
                page.path.clone()
            } else {
                folder.join(file)
            };
            assert!(path.exists(), "{}: there is no {file}", name(&page));
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(
                    anchors.any(|anchor| anchor == fragment),
                    "{}: {link} is no heading",
                    name(&page)
                );
            }
        }
    }
}

#[test]
fn the_index_has_every_page() {
    let index = std::fs::read_to_string(root().join("docs/README.md")).unwrap();
    for page in pages() {
        let name = name(&page);
        let link = format!("]({name})");
        assert!(
            name == "README.md" || index.contains(&link),
            "docs/README.md does not name docs/{name}"
        );
    }
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("](docs/README.md)"));
}

/// Every block of Rust is compiled and run as an example of the crate, except on pages of fragments.
#[test]
fn blocks_of_rust_are_examples_of_the_crate() {
    let crate_root = std::fs::read_to_string(root().join("obs-runtime/src/lib.rs")).unwrap();
    let of_fragments = ["interop.md", "metrics.md"];
    for page in pages() {
        let name = name(&page);
        let has_rust = page.text.contains("\n```rust");
        assert!(
            !has_rust
                || of_fragments.contains(&&*name)
                || crate_root.contains(&format!("/{name}\")")),
            "obs-runtime/src/lib.rs does not include {name} among its pages"
        );
    }
}

#[test]
fn the_readme_has_every_feature_and_the_rust_version() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let readme = read("README.md");
    let manifest = read("obs-runtime/Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    for line in features.lines().filter(|line| !line.starts_with('#')) {
        let Some((feature, _)) = line.split_once(" = ") else {
            continue;
        };
        let places = [format!("`{feature}`"), format!("`{feature} = ")];
        assert!(
            places.iter().any(|place| readme.contains(place)),
            "README.md lacks {feature}"
        );
    }
    let workspace = read("Cargo.toml");
    let (_, version) = workspace.split_once("rust-version = \"").unwrap();
    let (version, _) = version.split_once('"').unwrap();
    assert!(
        readme.contains(&format!("Rust {version}")),
        "README.md: Rust {version}"
    );
}

#[test]
fn lines_have_at_most_100_columns() {
    for page in pages() {
        let mut in_block = false;
        for line in page.text.lines() {
            in_block ^= line.starts_with("```");
            let is_free = line.starts_with('|') || in_block || line.contains("](");
            assert!(
                is_free || line.chars().count() <= 100,
                "{}: more than 100 columns: {line}",
                name(&page)
            );
        }
    }
}
