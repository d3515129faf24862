//! Decides from a name whether its value is a secret.
//!
//! The lists below are the only place that knows names. A new word belongs to `SECRET` if it names
//! a secret wherever it stands, and to `ABOUT` if names that end with it speak about a secret.

use super::look;

/// The length of name that is looked at; of a longer one, only its end.
pub(super) const MAX_KEY: usize = 64;
const MAX_PARTS: usize = 12;

/// Whole words that name a secret wherever they stand in a name.
pub(super) const SECRET: &[&str] = &[
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "apikeys",
    "apitoken",
    "appkey",
    "authkey",
    "authorization",
    "authtoken",
    "bearer",
    "bearertoken",
    "clientsecret",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "encryptionkey",
    "idtoken",
    "jsessionid",
    "jwt",
    "masterkey",
    "otp",
    "passcode",
    "passphrase",
    "phpsessid",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "secrets",
    "servicekey",
    "sessionkey",
    "sessiontoken",
    "setcookie",
    "sharedkey",
    "signingkey",
    "totp",
    "xapikey",
];

/// Words that make a following `key` a secret: `api_key`, `AccountKey`, `signing-key`, and vendors:
/// `STRIPE_KEY`.
const KEY_OWNER: &[&str] = &[
    "access",
    "account",
    "admin",
    "adyen",
    "aes",
    "algolia",
    "anthropic",
    "api",
    "app",
    "application",
    "auth",
    "aws",
    "azure",
    "braintree",
    "brevo",
    "cipher",
    "cloudflare",
    "cohere",
    "consumer",
    "crypto",
    "datadog",
    "dd",
    "decryption",
    "deepseek",
    "deploy",
    "encryption",
    "fernet",
    "firebase",
    "gemini",
    "github",
    "gitlab",
    "gpg",
    "groq",
    "heroku",
    "hmac",
    "honeycomb",
    "huggingface",
    "license",
    "mailchimp",
    "mailgun",
    "master",
    "mistral",
    "mixpanel",
    "newrelic",
    "openai",
    "openrouter",
    "paypal",
    "pgp",
    "pinecone",
    "plaid",
    "postmark",
    "private",
    "pusher",
    "qdrant",
    "replicate",
    "resend",
    "role",
    "rollbar",
    "rsa",
    "sas",
    "secret",
    "sendgrid",
    "service",
    "session",
    "shared",
    "shopify",
    "signing",
    "slack",
    "ssh",
    "storage",
    "stripe",
    "subscription",
    "supabase",
    "tavily",
    "twilio",
    "vapid",
    "voyage",
    "weaviate",
    "webhook",
    "wireguard",
];

/// Last words of names that speak *about* a secret: `password_length`, `token.type`, `secret_name`.
const ABOUT: &[&str] = &[
    "age",
    "alg",
    "algorithm",
    "at",
    "attempts",
    "budget",
    "changed",
    "class",
    "cost",
    "count",
    "days",
    "disabled",
    "enabled",
    "endpoint",
    "error",
    "exception",
    "expired",
    "expires",
    "expiry",
    "field",
    "file",
    "format",
    "group",
    "hits",
    "host",
    "hours",
    "index",
    "kind",
    "left",
    "len",
    "length",
    "limit",
    "manager",
    "max",
    "maximum",
    "method",
    "min",
    "minimum",
    "minutes",
    "misses",
    "modality",
    "mode",
    "name",
    "owner",
    "path",
    "policy",
    "prefix",
    "present",
    "price",
    "provider",
    "rate",
    "ratio",
    "ref",
    "remaining",
    "requests",
    "required",
    "reset",
    "retries",
    "rules",
    "scheme",
    "seconds",
    "secs",
    "server",
    "service",
    "size",
    "store",
    "strength",
    "total",
    "tries",
    "ttl",
    "type",
    "uri",
    "url",
    "usage",
    "valid",
    "version",
];

/// Words before `token` where the token is text: of a model or of a parser.
const TEXT_TOKEN: &[&str] = &[
    "bos",
    "cached",
    "completion",
    "eos",
    "expected",
    "expired",
    "first",
    "input",
    "invalid",
    "last",
    "max",
    "min",
    "missing",
    "num",
    "output",
    "pad",
    "per",
    "prompt",
    "reasoning",
    "special",
    "stop",
    "total",
    "unexpected",
    "unk",
    "unknown",
];

/// Returns whether a name would be one of text tokens without the blank in it: `unexpected token`.
pub(super) fn may_be_text_token(key: &[u8]) -> bool {
    let Some(blank) = key.iter().position(|b| *b == b' ') else {
        return false;
    };
    let (before, word) = (&key[..blank], &key[blank + 1..]);
    word.eq_ignore_ascii_case(b"token") && one_of(before, TEXT_TOKEN)
}

/// Returns whether a word is one of a list, in any case.
pub(super) fn one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
}

/// Returns whether a field, header or variable of this name holds a secret.
///
/// Names are split into words (`apiKey`, `API_KEY`, `x-api-key`), so `author`, `monkey`,
/// `tokenizer` and `prompt_tokens` do not.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let bytes = key.as_bytes();
    is_secret(&bytes[bytes.len().saturating_sub(MAX_KEY)..])
}

pub(super) fn is_secret(key: &[u8]) -> bool {
    // Nearly all names end here. A word of two letters at the end has no third one to look for.
    let ends_in_pw = key
        .last_chunk::<2>()
        .is_some_and(|end| end.eq_ignore_ascii_case(b"pw"));
    if look::is_clean(key) && !ends_in_pw {
        return false;
    }
    let mut lower = [0u8; MAX_KEY];
    let Some(lower) = lower.get_mut(..key.len()) else {
        return false;
    };
    lower.copy_from_slice(key);
    lower.make_ascii_lowercase();
    let mut parts: [&[u8]; MAX_PARTS] = [&[]; MAX_PARTS];
    let count = split(key, lower, &mut parts);
    let parts = &parts[..count];
    let Some(last) = parts.last() else {
        return false;
    };
    if count > 1 && one_of(last, ABOUT) {
        return false;
    }
    parts.iter().enumerate().any(|(i, part)| {
        let before: &[u8] = if i == 0 { b"" } else { parts[i - 1] };
        one_of(part, SECRET)
            || holds(part, b"password")
            || holds(part, b"passwd")
            || (part.len() > 6 && part.ends_with(b"secret"))
            || match *part {
                b"token" => !one_of(before, TEXT_TOKEN),
                b"key" | b"keys" => one_of(before, KEY_OWNER),
                b"auth" | b"pass" | b"pw" => i + 1 == count,
                b"signature" => one_of(before, &["amz", "goog", "access"]),
                b"sig" => count == 1,
                _ => false,
            }
    })
}

/// Returns whether the word before `key` ends as that of a secret does: `api`, `signing`.
pub(super) fn ends_with_owner(before: &[u8]) -> bool {
    let ends = |owner: &&str| {
        let start = before.len().checked_sub(owner.len());
        start.is_some_and(|start| before[start..].eq_ignore_ascii_case(owner.as_bytes()))
    };
    KEY_OWNER.iter().any(ends)
}

/// Returns whether the name says that another name, beside it, is the one of the value.
pub(super) fn is_value(key: &[u8]) -> bool {
    one_of(key, &["value"])
}

/// Returns whether the name is that of a file: `auth_token.rs: unexpected`.
pub(super) fn is_file(key: &[u8]) -> bool {
    const FILES: &[&str] = &[
        "c", "cfg", "conf", "cpp", "crt", "cs", "css", "go", "h", "html", "ini", "java", "js",
        "json", "jsx", "kt", "lock", "log", "lua", "md", "php", "pem", "proto", "py", "rb", "rs",
        "sh", "sql", "svg", "swift", "toml", "ts", "tsx", "txt", "vue", "xml", "yaml", "yml",
    ];
    let dot = key.iter().rposition(|b| *b == b'.');
    dot.is_some_and(|dot| dot > 0 && one_of(&key[dot + 1..], FILES))
}

fn holds(part: &[u8], word: &[u8]) -> bool {
    part.len() >= word.len() && part.windows(word.len()).any(|w| w == word)
}

/// Splits at everything that is not a letter and where the case changes. Returns the number of
/// words.
///
/// Of a name of very many words only the first ones count.
fn split<'a>(key: &[u8], lower: &'a [u8], parts: &mut [&'a [u8]; MAX_PARTS]) -> usize {
    let mut count = 0;
    let mut start = 0;
    for i in 0..=key.len() {
        let boundary = match key.get(i) {
            None => true,
            Some(c) if !c.is_ascii_alphabetic() => true,
            // Split before the K of `apiKey` and of `APIKey`.
            Some(c) if c.is_ascii_uppercase() && i > start => {
                key[i - 1].is_ascii_lowercase()
                    || key.get(i + 1).is_some_and(u8::is_ascii_lowercase)
                        && key[i - 1].is_ascii_uppercase()
            }
            Some(_) => false,
        };
        if boundary {
            if i > start && count < MAX_PARTS {
                parts[count] = &lower[start..i];
                count += 1;
            }
            let letter = key.get(i).is_some_and(u8::is_ascii_alphabetic);
            start = if letter { i } else { i + 1 };
        }
    }
    count
}
