//! Secrets in URLs: passwords and tokens before the host, and addresses that are secrets
//! themselves.

use super::shapes::{self, run};
use super::values::Range;
use super::work;

/// Returns whether the user is a token, not a name: `https://<token>@host`.
fn is_token(user: &[u8]) -> bool {
    user.len() >= 20
        && user.iter().any(u8::is_ascii_digit)
        && user.iter().all(|b| shapes::is_token(*b))
}

/// Returns the part of a web hook's address that lets anybody use it, given where the `//` ends.
pub(super) fn hook(bytes: &[u8], start: usize) -> Option<Range> {
    const HOOKS: &[&[u8]] = &[
        b"hooks.slack.com/services/",
        b"hooks.slack.com/workflows/",
        b"discord.com/api/webhooks/",
        b"discordapp.com/api/webhooks/",
        b"api.telegram.org/bot",
    ];
    let rest = &bytes[start..];
    let hook = HOOKS.iter().find(|hook| rest.starts_with(hook))?;
    let len = run(&rest[hook.len()..], |b| {
        shapes::is_token(b) || matches!(b, b'/' | b':')
    });
    let from = start + hook.len();
    (len > 0).then_some((from, from + len))
}

/// Returns the password of `scheme://user:password@host`, given where the `//` ends.
pub(super) fn userinfo(bytes: &[u8], start: usize) -> Option<Range> {
    let rest = &bytes[start..];
    let outside =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'`' | b'<' | b'>' | b'\\');
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#') || outside(b))
        .unwrap_or(rest.len());
    work::read(end);
    let authority = &rest[..end];
    let at = authority.iter().rposition(|b| *b == b'@');
    let colon = authority.iter().position(|b| *b == b':');
    if let Some(at) = at
        && colon.is_none_or(|colon| colon > at)
    {
        return is_token(&authority[..at]).then_some((start, start + at));
    }
    let colon = colon?;
    let at = match at {
        Some(at) => at,
        // The password has a slash that should have been encoded; after a port it would be a path.
        None if !authority[colon + 1..].iter().all(u8::is_ascii_digit) && authority[0] != b'[' => {
            let near = &rest[..rest.len().min(256)];
            let near = &near[..near.iter().position(outside).unwrap_or(near.len())];
            near.iter().rposition(|b| *b == b'@')?
        }
        None => return None,
    };
    (at > colon + 1).then(|| (start + colon + 1, start + at))
}
