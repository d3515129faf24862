//! Clippy and rustc say the same of a function with `#[traced]` as of one under a macro that does nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Lints that are off by default: all of clippy's and those of rustc that judge code like this.
const LINTS: &[&str] = &[
    "clippy::all",
    "clippy::pedantic",
    "clippy::nursery",
    "clippy::restriction",
    "future_incompatible",
    "keyword_idents",
    "let_underscore",
    "nonstandard_style",
    "rust_2018_idioms",
    "rust_2021_compatibility",
    "rust_2024_compatibility",
    "unused",
    "closure_returning_async_block",
    "explicit_outlives_requirements",
    "impl_trait_redundant_captures",
    "meta_variable_misuse",
    "missing_copy_implementations",
    "missing_debug_implementations",
    "missing_docs",
    "redundant_imports",
    "redundant_lifetimes",
    "single_use_lifetimes",
    "trivial_casts",
    "trivial_numeric_casts",
    "unit_bindings",
    "unnameable_types",
    "unreachable_pub",
    "unsafe_code",
    "unused_import_braces",
    "unused_lifetimes",
    "unused_qualifications",
    "unused_results",
    "variant_size_differences",
];

/// A lint and the place that it speaks of.
type Said = BTreeSet<(String, String)>;

/// What is said of the corpus.
fn said(features: &[&str]) -> Said {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lints");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lints");
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(&corpus)
        .args(["clippy", "--quiet", "--message-format=json", "--target-dir"])
        .arg(target)
        .args(features)
        .args([
            "--",
            "--cap-lints=warn",
            "-Aclippy::blanket_clippy_restriction_lints",
        ])
        .args(LINTS.iter().map(|lint| format!("-W{lint}")));
    // What `cargo clippy` around this test says to its own compiler.
    for name in [
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    let output = command.output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8_lossy(&output.stdout);
    let said = lines.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a message of cargo");
        let message = &line["message"];
        let code = message["code"]["code"].as_str()?;
        let spans = message["spans"].as_array()?;
        let span = spans.iter().find(|span| span["is_primary"] == true)?;
        let place = format!("{}:{}", span["file_name"].as_str()?, span["line_start"]);
        Some((code.to_owned(), place))
    });
    said.collect()
}

/// What is not said of an annotated function: advice that it cannot follow, or that the body's own block hides.
const LOST: &[&str] = &[
    "clippy::default_numeric_fallback",
    "clippy::manual_async_fn",
    "clippy::missing_const_for_fn",
    "clippy::needless_pass_by_value",
    "clippy::needless_return",
    "clippy::unnecessary_wraps",
    "clippy::unused_async",
];

/// It wants a `return` at the end of everything: of an annotated function it says so at the attribute.
const MOVED: &str = "clippy::implicit_return";

// case: 136-142
#[test]
fn lints_say_of_an_annotated_function_what_they_say_of_the_plain_one() {
    let (mut plain, mut annotated) = (said(&[]), said(&["--features=obs"]));
    for said in [&mut plain, &mut annotated] {
        said.retain(|(lint, _)| lint != MOVED);
    }
    assert!(
        plain.len() > 100,
        "the corpus is there to be judged: {plain:#?}"
    );
    let added: Vec<_> = annotated.difference(&plain).collect();
    let lost: Vec<_> = plain
        .difference(&annotated)
        .filter(|(lint, _)| !LOST.contains(&lint.as_str()))
        .collect();
    assert!(
        added.is_empty() && lost.is_empty(),
        "added: {added:#?}\nlost: {lost:#?}"
    );
}
