//! The cases in which `rename_all` can write the names of variants.

/// Every case, under the name that `rename_all` has for it.
pub(crate) const CASES: [&str; 7] = [
    "snake_case",
    "kebab-case",
    "camelCase",
    "PascalCase",
    "lowercase",
    "UPPERCASE",
    "SCREAMING_SNAKE_CASE",
];

/// A variant's name in another case; `HTTPServer2` has the words `HTTP` and `Server2`.
pub(crate) fn rename(name: &str, case: &str) -> String {
    let words = words(name);
    let lower = |word: &String| word.to_lowercase();
    let upper = |word: &String| word.to_uppercase();
    let title = |word: &String| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.collect::<String>() + &chars.as_str().to_lowercase()
    };
    let joined = |each: &dyn Fn(&String) -> String, between: &str| {
        words.iter().map(each).collect::<Vec<_>>().join(between)
    };
    match case {
        "kebab-case" => joined(&lower, "-"),
        "lowercase" => joined(&lower, ""),
        "UPPERCASE" => joined(&upper, ""),
        "SCREAMING_SNAKE_CASE" => joined(&upper, "_"),
        "PascalCase" => joined(&title, ""),
        "camelCase" => {
            let mut words = words.iter();
            let first = words.next().map(lower).unwrap_or_default();
            first + &words.map(title).collect::<String>()
        }
        _ => joined(&lower, "_"),
    }
}

fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase())
            });
        if c == '_' || starts {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
