//! The methods that set something are those of the page; other pages have those of what they are about.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Names, page, quoted, root, rows, sources, texts_of};

/// A public method, and what its documentation says.
struct Method {
    name: String,
    documentation: String,
}

/// The public methods of each type, and the public types themselves.
fn methods() -> (BTreeMap<String, Vec<Method>>, Names) {
    let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    let mut types = Names::new();
    for (path, _) in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                syn::Item::Struct(item) if is_public(&item.vis) => {
                    types.insert(item.ident.to_string());
                }
                syn::Item::Impl(item) if item.trait_.is_none() => {
                    let syn::Type::Path(of) = &*item.self_ty else {
                        continue;
                    };
                    let of = of.path.segments.last().unwrap().ident.to_string();
                    let all = item.items.into_iter().filter_map(method);
                    methods.entry(of).or_default().extend(all);
                }
                _ => {}
            }
        }
    }
    (methods, types)
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn method(item: syn::ImplItem) -> Option<Method> {
    let syn::ImplItem::Fn(function) = item else {
        return None;
    };
    let lines = function.attrs.iter().filter_map(|attribute| {
        let syn::Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        let syn::Expr::Lit(value) = &meta.value else {
            return None;
        };
        match &value.lit {
            syn::Lit::Str(text) if meta.path.is_ident("doc") => Some(text.value()),
            _ => None,
        }
    });
    let documentation = lines.collect::<Vec<_>>().join(" ");
    is_public(&function.vis).then(|| Method {
        name: function.sig.ident.to_string(),
        documentation,
    })
}

/// Types whose methods set something, in the sections of docs/configuration.md.
const CONFIGURED: &[&str] = &[
    "Builder",
    "OtlpConfig",
    "HttpConfig",
    "Options",
    "StatsdConfig",
    "ExportSchedule",
    "Sampler",
    "SpanMatch",
    "TailSampling",
    "AlertManagerBuilder",
    "Prices",
];

/// Builders that other pages are about.
const ELSEWHERE: &[&str] = &["InstrumentBuilder", "PipelineBuilder"];

#[test]
fn the_page_has_every_method_and_no_other() {
    let text = page("configuration.md");
    let (methods, types) = methods();
    for name in &types {
        let sets = ["Builder", "Config", "Schedule", "Options"]
            .iter()
            .any(|end| name.ends_with(end));
        assert!(
            !sets || CONFIGURED.contains(&&**name) || ELSEWHERE.contains(&&**name),
            "{name} sets something: it needs a section of docs/configuration.md, and a place in CONFIGURED"
        );
    }
    for of in CONFIGURED {
        let rows = rows(&text, &format!("### {of}"));
        let of_row = |row: &Vec<String>| {
            let quoted = quoted(&row[0]);
            let name = quoted.first()?.split_once('(')?.0.to_owned();
            Some((name, row.join(" ")))
        };
        let there: BTreeMap<String, String> = rows.iter().filter_map(of_row).collect();
        let names: Names = methods[*of]
            .iter()
            .map(|method| method.name.clone())
            .collect();
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !there.contains_key(*name))
            .collect();
        let unknown: Vec<_> = there.keys().filter(|name| !names.contains(*name)).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "docs/configuration.md, {of}: it lacks {missing:?}, and has {unknown:?}, which are no methods"
        );
        // The variable that a method's documentation names as its default is in the row.
        for method in &methods[*of] {
            let words = method
                .documentation
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for variable in
                words.filter(|word| word.starts_with("OTEL_") || word.starts_with("OBS_"))
            {
                let named = &there[&method.name];
                // Of several that belong together the row names some.
                let is_one_of_many = variable.ends_with('_') || method.name == "console";
                assert!(
                    is_one_of_many || named.contains(variable),
                    "docs/configuration.md, {of}::{} does not name {variable}",
                    method.name
                );
            }
        }
    }
}

/// The feature of each method of the builder is the one that the compiler names without it.
#[test]
fn the_page_has_the_feature_of_each_method() {
    let missing = std::fs::read_to_string(root().join("obs-runtime/src/missing.rs")).unwrap();
    let mut features: BTreeMap<String, String> = BTreeMap::new();
    for item in syn::parse_file(&missing).unwrap().items {
        let syn::Item::Macro(item) = item else {
            continue;
        };
        if !item.mac.path.is_ident("missing") {
            continue;
        }
        let feature = texts_of(&item.mac.tokens).remove(0);
        let text = item.mac.tokens.to_string();
        let (_, of_builder) = text.split_once("Builder :").unwrap();
        let of_builder = of_builder.split(';').next().unwrap();
        // What stands before the parentheses of arguments.
        for part in of_builder
            .split('(')
            .filter_map(|part| part.split([')', ',']).next_back())
        {
            let name = part.trim();
            if !name.is_empty() {
                features.insert(name.to_owned(), feature.clone());
            }
        }
    }
    assert!(features.len() > 10, "{features:?}");
    for row in rows(&page("configuration.md"), "### Builder") {
        let Some((name, _)) = row[0].trim_matches('`').split_once('(') else {
            continue;
        };
        let expected = features.get(name).map(|feature| format!("`{feature}`"));
        assert_eq!(
            row[3],
            expected.unwrap_or_default(),
            "docs/configuration.md, Builder::{name}"
        );
    }
}

/// The page about a type has its methods, as words.
#[test]
fn other_pages_have_every_method_of_what_they_are_about() {
    let (methods, _) = methods();
    let pages: &[(&str, &[&str])] = &[
        ("testing.md", &["Captured", "SpanAssert", "MetricAssert"]),
        ("errors.md", &["Error", "Health"]),
        (
            "pipelines.md",
            &[
                "Pipeline",
                "PipelineBuilder",
                "Task",
                "TaskContext",
                "RunResult",
                "CancelHandle",
            ],
        ),
        (
            "model-calls.md",
            &[
                "Usage",
                "LlmResponse",
                "LlmCall",
                "VectorOp",
                "Prices",
                "ModelPrice",
            ],
        ),
        (
            "alerts.md",
            &[
                "Alert",
                "AlertManager",
                "AlertManagerBuilder",
                "NotifyError",
            ],
        ),
        ("logs.md", &["ObsLayer"]),
    ];
    let mut missing = Vec::new();
    for (name, types) in pages {
        let text = page(name);
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        for of in *types {
            let all = methods[*of].iter().map(|method| &*method.name);
            let lacking = all.filter(|method| !words.contains(method));
            missing.extend(lacking.map(|method| format!("docs/{name}: {of}::{method}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The page about a macro has the arguments that it alone takes.
#[test]
fn pages_have_every_argument_of_their_macros() {
    let table = std::fs::read_to_string(root().join("obs-macros/src/attr/table.rs")).unwrap();
    let arguments = |of: &str| {
        let (_, rest) = table.split_once(&format!("const {of}: Table")).unwrap();
        let (_, rest) = rest.split_once("own: &[").unwrap();
        let (own, _) = rest.split_once(']').unwrap();
        let own = own.split('"').skip(1).step_by(2);
        own.map(str::to_owned).collect::<Vec<_>>()
    };
    let pages = [
        ("MAIN", "configuration.md"),
        ("PIPELINE_TASK", "pipelines.md"),
        ("LLM_CALL", "model-calls.md"),
        ("VECTOR_OP", "model-calls.md"),
    ];
    for (of, name) in pages {
        let text = page(name);
        for argument in arguments(of) {
            let places = [
                format!("`{argument}`"),
                format!("`{argument} ="),
                format!("`{argument}("),
            ];
            assert!(
                places.iter().any(|place| text.contains(place)),
                "docs/{name} does not name {argument}, an argument of {of}"
            );
        }
    }
}
