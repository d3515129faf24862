//! What stands in the place of a secret and is none: types, states, and references to where the
//! secret is.

use super::keys::one_of;

/// Words that say that there is a secret, or that there is none, but not which.
const STATES: &[&str] = &[
    "absent",
    "anonymous",
    "anything",
    "correct",
    "default",
    "denied",
    "disabled",
    "empty",
    "enabled",
    "encrypted",
    "expired",
    "failed",
    "failure",
    "false",
    "filtered",
    "hidden",
    "incorrect",
    "invalid",
    "masked",
    "mismatch",
    "missing",
    "n/a",
    "nil",
    "no",
    "none",
    "null",
    "nullptr",
    "off",
    "ok",
    "omitted",
    "on",
    "optional",
    "present",
    "private",
    "protected",
    "provided",
    "public",
    "redacted",
    "rejected",
    "removed",
    "required",
    "revoked",
    "rotated",
    "sensitive",
    "set",
    "success",
    "true",
    "undefined",
    "unknown",
    "unset",
    "unused",
    "valid",
    "verified",
    "yes",
];

/// Types of values, and of columns and fields.
const TYPES: &[&str] = &[
    "any",
    "arc",
    "array",
    "binary",
    "blob",
    "bool",
    "boolean",
    "box",
    "bytea",
    "byte",
    "bytes",
    "char",
    "charfield",
    "cow",
    "dict",
    "float",
    "i32",
    "i64",
    "int",
    "integer",
    "list",
    "map",
    "never",
    "nonnull",
    "number",
    "object",
    "option",
    "rc",
    "secretstr",
    "secretstring",
    "str",
    "string",
    "struct",
    "text",
    "u16",
    "u32",
    "u64",
    "u8",
    "unit",
    "usize",
    "uuid",
    "varchar",
    "vec",
    "zeroizing",
];

/// Ways of authentication, which stand behind the name `auth`.
const MODES: &[&str] = &[
    "cram-md5",
    "oauth2",
    "scram-sha-1",
    "scram-sha-256",
    "md5",
    "sha256",
];

/// What begins a reference in code or in a template.
const REFERENCES: &[&str] = &[
    "${",
    "$(",
    "{{",
    "%(",
    "self.",
    "this.",
    "os.environ",
    "os.getenv",
    "process.env",
    "std::env",
    "env::",
    "env!(",
    "env(",
    "getenv(",
    "import.meta.env",
    "secrets.",
    "var.",
    "vault:",
    "/run/secrets/",
    "config.",
    "settings.",
    "data.",
    "local.",
    "ENV[",
    "Deno.env",
    "args.",
    "req.",
    "request.",
    "params.",
];

/// Returns whether a value hides nothing and stays as it is.
pub(super) fn is_nothing(value: &[u8]) -> bool {
    let bare = trimmed(value, b"[<(", b"]>)");
    one_of(bare, STATES)
        || value.iter().all(|b| matches!(b, b'*' | b'.' | b'?'))
        || value.len() >= 3 && value.iter().all(|b| matches!(b, b'x' | b'X'))
        || is_type(value)
        || is_placeholder(value)
        || value.strip_prefix(b"$").is_some_and(is_constant)
}

/// Returns whether what follows is code that gets the secret, or a place where one is to be put.
pub(super) fn is_code(rest: &[u8]) -> bool {
    REFERENCES
        .iter()
        .any(|code| rest.starts_with(code.as_bytes()))
        || is_generic(rest)
        || is_call(rest)
        || is_schema(rest)
}

/// Returns whether the name says that this value is none: `auth: plain`, `pwd=/home/bob`, `pass: 12`.
pub(super) fn is_of(key: &[u8], value: &[u8]) -> bool {
    let last = key
        .rsplit(|b| !b.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let Some((first, others)) = value.split_first() else {
        return false;
    };
    let is_word = |b: &u8| b.is_ascii_lowercase() || matches!(b, b'-' | b'_');
    if last.eq_ignore_ascii_case(b"auth") {
        return one_of(value, MODES)
            || value.len() <= 5 && value.iter().all(u8::is_ascii_digit)
            || value.iter().all(is_word)
            || value.iter().all(u8::is_ascii_uppercase)
            || first.is_ascii_uppercase() && others.iter().all(u8::is_ascii_lowercase);
    }
    if key.eq_ignore_ascii_case(b"pwd") {
        return *first == b'/' || value.starts_with(b"~/") || value.get(1..3) == Some(b":\\");
    }
    let is_count = value.len() <= 4 && value.iter().all(u8::is_ascii_digit);
    key.eq_ignore_ascii_case(b"pass") && is_count
}

/// Returns whether the value has what words do not have: digits, or letters of both cases within.
pub(super) fn looks_random(value: &[u8]) -> bool {
    let has = |accept: fn(&u8) -> bool| value.iter().any(accept);
    let inner = value.get(1..).unwrap_or_default();
    has(u8::is_ascii_digit)
        || has(u8::is_ascii_lowercase) && inner.iter().any(u8::is_ascii_uppercase)
        || has(|b| matches!(b, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'+'))
}

fn trimmed<'a>(value: &'a [u8], open: &[u8], close: &[u8]) -> &'a [u8] {
    match value {
        [first, inner @ .., last] if open.contains(first) && close.contains(last) => inner,
        _ => value,
    }
}

/// Returns whether the value is the name of a type: `&'a str`, `String;`, `types::String`.
fn is_type(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"&").unwrap_or(value);
    let end = value.iter().rposition(u8::is_ascii_alphanumeric);
    let value = &value[..end.map_or(0, |end| end + 1)];
    let is_part = |b: &u8| b.is_ascii_alphanumeric();
    let last = value.rsplit(|b| !is_part(b)).next().unwrap_or_default();
    // Around it stands nothing but a path.
    let path = &value[..value.len() - last.len()];
    let is_path = path
        .iter()
        .all(|b| b.is_ascii_alphabetic() || matches!(b, b':' | b'.' | b'\''));
    one_of(last, TYPES) && is_path
}

/// Returns whether the text begins with `Name<…`, a type of Rust, Java or TypeScript, or `'a str`.
fn is_generic(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b"&").unwrap_or(rest);
    if rest.starts_with(b"'static ") || rest.starts_with(b"'a ") {
        return true;
    }
    let near = &rest[..rest.len().min(64)];
    let len = near
        .iter()
        .take_while(|b| b.is_ascii_alphabetic() || **b == b':')
        .count();
    let is_name = near.first().is_some_and(u8::is_ascii_uppercase);
    let inner = near
        .get(len + 1)
        .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'\'' | b'&'));
    is_name && near.get(len) == Some(&b'<') && inner
}

/// Returns whether the text begins with a call whose arguments hold no text: `get_key()`,
/// `models.Field(max_length=128)`.
fn is_call(rest: &[u8]) -> bool {
    let near = &rest[..rest.len().min(96)];
    let is_path = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.');
    let (path, rest) = near.split_at(near.iter().take_while(is_path).count());
    let Some(arguments) = rest.strip_prefix(b"(") else {
        return false;
    };
    let is_plain = |b: &&u8| is_path(b) || matches!(b, b'=' | b',' | b' ');
    let end = arguments.iter().take_while(is_plain).count();
    let is_word = path.iter().all(u8::is_ascii_alphanumeric);
    path.len() > 2 && !is_word && arguments.get(end) == Some(&b')')
}

/// Returns whether the text begins with the description of a value: `{"type": "string"`, `[u8; 32]`.
fn is_schema(rest: &[u8]) -> bool {
    let near = &rest[..rest.len().min(48)];
    let [b'[' | b'{', inner @ ..] = near else {
        return false;
    };
    let mut words = inner
        .split(|b| !b.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    if near[0] == b'{' {
        return first == b"type" && words.next().is_some_and(|word| one_of(word, TYPES));
    }
    inner.starts_with(first)
        && matches!(inner.get(first.len()), Some(b';' | b']'))
        && one_of(first, TYPES)
}

/// Returns whether the value is one that the reader is to replace: `<your-token>`, `YOUR_API_KEY`.
fn is_placeholder(value: &[u8]) -> bool {
    let bare = trimmed(value, b"<{[%", b">}]%");
    let begins = |word: &&str| {
        let start = bare.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    [
        "your_",
        "your-",
        "your ",
        "insert_",
        "replace_",
        "change_me",
    ]
    .iter()
    .any(begins)
}

/// Returns whether the text is the name of a variable: `DB_PASSWORD`.
fn is_constant(name: &[u8]) -> bool {
    !name.is_empty()
        && name[0].is_ascii_uppercase()
        && name
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}
