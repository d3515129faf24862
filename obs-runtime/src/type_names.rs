//! Names of types as people read them.

/// Names of types that say nothing without the module that they are of.
const VAGUE: [&str; 4] = ["Error", "Err", "Exception", "Report"];

/// Modules that say no more than such a name.
const VAGUE_MODULES: [&str; 4] = ["err", "error", "errors", "imp"];

/// Shortens the path of a type to what tells it apart: `Box<dyn Error>`, `LoadError`, `io::Error`,
/// `sqlx::Error`.
///
/// Each path is reduced to its last part, with the module in front where that part is vague; marker
/// traits behind `dyn` go. The trait `Error` of the standard library is what everybody expects.
pub(crate) fn short(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let end = rest.find(|c| !is_of_path(c)).unwrap_or(rest.len());
        if end > 0 {
            push_path(&mut out, &rest[..end]);
            rest = &rest[end..];
        } else if let Some(others) = rest.strip_prefix(" + ") {
            // Bounds behind the first one of a trait object: markers and lifetimes.
            let end = others.find(['>', ',', ')', ' ']).unwrap_or(others.len());
            rest = &others[end..];
        } else {
            let next = rest.chars().next().map_or(rest.len(), char::len_utf8);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
        }
    }
    out
}

fn push_path(out: &mut String, path: &str) {
    let Some((modules, last)) = path.rsplit_once("::") else {
        return out.push_str(path);
    };
    let is_the_trait = matches!(path, "core::error::Error" | "std::error::Error");
    if VAGUE.contains(&last) && !is_the_trait {
        let mut telling = modules.rsplit("::").filter(|m| !VAGUE_MODULES.contains(m));
        let module = telling.next().unwrap_or(modules);
        // What users name is the facade: `sqlx_core::error::Error` is `sqlx::Error`.
        out.push_str(module.strip_suffix("_core").unwrap_or(module));
        out.push_str("::");
    }
    out.push_str(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    // bug: trees showed `Sync>:` and `Error:` for the type of an error.
    #[test]
    fn types_tell_what_they_are() {
        let marked =
            "alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>";
        for (path, expected) in [
            (marked, "Box<dyn Error>"),
            ("anyhow::Error", "anyhow::Error"),
            ("eyre::Report", "eyre::Report"),
            ("sqlx_core::error::Error", "sqlx::Error"),
            ("std::io::error::Error", "io::Error"),
            ("core::fmt::Error", "fmt::Error"),
            ("shop::load::Error", "load::Error"),
            ("shop::load::errors::Error", "load::Error"),
            ("error::Error", "error::Error"),
            (
                "core::option::Option<std::io::error::Error>",
                "Option<io::Error>",
            ),
            ("shop::load::LoadError", "LoadError"),
            ("alloc::string::String", "String"),
            ("&str", "&str"),
            (
                "shop::Wrapped<shop::a::B, alloc::vec::Vec<u8>>",
                "Wrapped<B, Vec<u8>>",
            ),
            ("(shop::A, [u8; 4])", "(A, [u8; 4])"),
            ("panic", "panic"),
            ("_OTHER", "_OTHER"),
            ("", ""),
        ] {
            assert_eq!(short(path), expected, "{path}");
        }
    }
}
