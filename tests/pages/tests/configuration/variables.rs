//! The variables that the sources read are those of the page.

use proc_macro2::TokenStream;

use crate::source::{Names, body, is_upper, page, quoted, root, rows, sources, texts_of};

/// Texts in files that read the environment which are no variables: keys of `/etc/os-release`.
const NO_VARIABLES: &[&str] = &["NAME", "VERSION_ID", "PRETTY_NAME"];

/// Variables whose names are made of those of headers (`trace/propagation/environment.rs`).
const OF_CALLERS: &[&str] = &[
    "TRACEPARENT",
    "TRACESTATE",
    "BAGGAGE",
    "B3",
    "X_B3_TRACEID",
    "X_B3_SPANID",
    "X_B3_SAMPLED",
    "X_B3_FLAGS",
];

/// Names that are put together: of OTLP by signal, of its processors by what is said of them.
fn composed(otlp: &TokenStream) -> Names {
    let words = |function| {
        let texts = texts_of(&body(otlp, function)).into_iter();
        texts.filter(|text| is_upper(text)).collect::<Vec<_>>()
    };
    let mut names = Names::new();
    for what in words("read") {
        for signal in ["", "TRACES_", "METRICS_", "LOGS_"] {
            names.insert(format!("OTEL_EXPORTER_OTLP_{signal}{what}"));
        }
    }
    for what in words("batch_limits") {
        for processor in ["OTEL_BSP", "OTEL_BLRP"] {
            names.insert(format!("{processor}_{what}"));
        }
    }
    assert!(names.len() > 40, "{names:?}");
    names
}

/// Every variable that the sources read.
fn variables() -> Names {
    let mut names: Names = OF_CALLERS.iter().map(|name| (*name).to_owned()).collect();
    for (path, tokens) in sources() {
        let text = tokens.to_string();
        let reads = text.contains("env :: var");
        if path.ends_with("exporter/otlp/env.rs") {
            names.extend(composed(&tokens));
        }
        for text in texts_of(&tokens) {
            let is_ours = text.starts_with("OTEL_") || text.starts_with("OBS_");
            let is_prefix = ["OTEL_BSP", "OTEL_BLRP"].contains(&&*text);
            let is_proxy = text.ends_with("_proxy") && !text.contains(' ');
            let is_variable = is_upper(&text) && (is_ours || reads) || reads && is_proxy;
            if is_variable && !is_prefix && !NO_VARIABLES.contains(&&*text) {
                names.insert(text);
                continue;
            }
            // `OTEL_{…}` in the place of a name: that of another kind of name that is put together.
            let name = text.split([' ', '=', ':', ',']).next().unwrap();
            let is_composed = is_ours && name.contains('{');
            assert!(
                !is_composed || path.ends_with("exporter/otlp/env.rs"),
                "{}: {text}: say in tests/pages/tests/configuration which names these are",
                path.display()
            );
        }
    }
    assert!(
        names.contains("OTEL_SERVICE_NAME")
            && names.contains("NO_COLOR")
            && names.contains("no_proxy")
    );
    names
}

#[test]
fn the_page_has_every_variable_and_no_other() {
    let rows = rows(&page("configuration.md"), "## Environment variables");
    let there = rows.iter().flat_map(|row| quoted(&row[0]));
    let mut seen = Names::new();
    for name in there {
        assert!(seen.insert(name.clone()), "{name} is there twice");
    }
    let read = variables();
    let missing: Vec<_> = read.difference(&seen).collect();
    let unknown: Vec<_> = seen.difference(&read).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/configuration.md lacks {missing:?}, and has {unknown:?}, which nothing reads"
    );
}

/// Names that look like variables of obs, on any page, are some.
#[test]
fn pages_name_no_variable_that_nothing_reads() {
    // Of tests.
    let others = ["OBS_BLESS", "OBS_RANDOM_EVENTS"];
    let read = variables();
    let mut paths = vec![root().join("README.md"), root().join("examples/README.md")];
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    paths.extend(docs.map(|entry| entry.unwrap().path()));
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_*{".contains(c));
        let ours = words.filter(|word| word.starts_with("OTEL_") || word.starts_with("OBS_"));
        for word in ours.filter(|word| !word.contains(['*', '{'])) {
            assert!(
                read.contains(word) || others.contains(&word),
                "{}: {word} is read by nothing",
                path.display()
            );
        }
    }
}
