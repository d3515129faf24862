//! The first look at a text: where in it something stands that a secret has beside it.
//!
//! Nearly every text has nothing of the kind, and nearly every long one only here and there. So the
//! text is first searched for three letters out of each word that names a secret, and out of each
//! prefix of a key. What lies around such a place is then read closely; the rest never is.

use super::leads::next_lead;
use super::prefixes::PREFIXES;
use super::{keys, work};

/// What is searched for: where it stands, something may be a secret.
struct Needle {
    text: &'static [u8],
    /// Where in it the three letters are that other words seldom have.
    at: usize,
    is_word: bool,
    /// How far before it what leads to the secret may stand: `--`, or a name around it.
    back: usize,
    /// How far behind it what leads to the secret may stand.
    ahead: usize,
}

/// A part of names, in lower case. The value may be that of another name: `"name": "KEY", "value":`.
const fn part(text: &'static str, at: usize) -> Needle {
    Needle {
        text: text.as_bytes(),
        at,
        is_word: false,
        back: 96,
        ahead: 192,
    }
}

/// A part of names behind which the word ends: no letter of the same case follows.
const fn word(text: &'static str, at: usize) -> Needle {
    Needle {
        is_word: true,
        ..part(text, at)
    }
}

/// What leads to a secret by itself, from its first byte on.
const fn mark(text: &'static str, at: usize) -> Needle {
    Needle {
        back: 0,
        ahead: 1,
        ..part(text, at)
    }
}

/// Words of names in lower case, commands, and the marks of URLs. A prefix of a key is no line here.
const NEEDLES: &[Needle] = &[
    part("passw", 2),
    part("passc", 2),
    part("passp", 2),
    word("pass", 0),
    part("pwd", 0),
    word("pw", 0),
    part("secret", 1),
    word("token", 0),
    part("cookie", 3),
    part("credential", 3),
    part("jwt", 0),
    word("otp", 0),
    part("sessionid", 6),
    part("sessid", 0),
    word("key", 0),
    word("keys", 1),
    word("auth", 1),
    part("authorization", 3),
    part("signature", 2),
    word("sig", 0),
    part("bearer", 3),
    part("basic ", 2),
    mark("://", 0),
    part("identified by", 2),
    Needle {
        back: 0,
        ahead: 24,
        ..word("value", 1)
    },
    mark("eyj", 0),
    // Options of commands.
    mark(" -p", 0),
    mark(" -a", 0),
    mark(" -w", 0),
    mark(" -u", 0),
    mark(" --user", 1),
    mark(" --proxy-user", 5),
];

/// The number of combinations of three letters: five bits of each count, so that case does not.
const TRIPLES: usize = 1 << 15;

const fn triple(a: u8, b: u8, c: u8) -> u16 {
    ((a & 31) as u16) << 10 | ((b & 31) as u16) << 5 | (c & 31) as u16
}

/// What the third letter may be, its lower five bits: of a text of two letters any hexadecimal digit
/// behind a prefix, and anything that is no letter behind a word.
const fn thirds(number: usize) -> u32 {
    let (text, at) = text_of(number);
    if text.len() > 2 {
        return 1 << (text[at + 2] & 31);
    }
    if number < NEEDLES.len() {
        return u32::MAX;
    }
    let digits = b"0123456789abcdef";
    let mut thirds = 0;
    let mut i = 0;
    while i < digits.len() {
        thirds |= 1 << (digits[i] & 31);
        i += 1;
    }
    thirds
}

const ENTRIES: usize = {
    let mut count = 0;
    let mut i = 0;
    while i < NEEDLES.len() + PREFIXES.len() {
        count += thirds(i).count_ones() as usize;
        i += 1;
    }
    count
};

/// Returns the text with this number, and where its three letters are.
const fn text_of(number: usize) -> (&'static [u8], usize) {
    if number < NEEDLES.len() {
        (NEEDLES[number].text, NEEDLES[number].at)
    } else {
        (PREFIXES[number - NEEDLES.len()].0, 0)
    }
}

/// Each triple with the number of its needle; a number behind the needles is that of a prefix.
static INDEX: [(u16, u16); ENTRIES] = {
    let mut index = [(0, 0); ENTRIES];
    let mut count = 0;
    let mut number = 0;
    while number < NEEDLES.len() + PREFIXES.len() {
        let (text, at) = text_of(number);
        let mut third = 0;
        while third < 32 {
            if thirds(number) >> third & 1 != 0 {
                let triple = triple(text[at], text[at + 1], third);
                insert(&mut index, count, (triple, number as u16));
                count += 1;
            }
            third += 1;
        }
        number += 1;
    }
    index
};

/// Puts an entry among the first `count`, which are sorted.
const fn insert(index: &mut [(u16, u16); ENTRIES], count: usize, entry: (u16, u16)) {
    let mut at = count;
    while at > 0 && index[at - 1].0 > entry.0 {
        index[at] = index[at - 1];
        at -= 1;
    }
    index[at] = entry;
}

/// One bit for each triple that is part of a needle.
static KNOWN: [u32; TRIPLES / 32] = {
    let mut known = [0; TRIPLES / 32];
    let mut i = 0;
    while i < ENTRIES {
        let triple = INDEX[i].0 as usize;
        known[triple / 32] |= 1 << (triple % 32);
        i += 1;
    }
    known
};

/// Returns 1 if the last three letters in `last` are part of a needle.
#[inline(always)]
fn is_known(last: u32) -> u32 {
    KNOWN[(last >> 5) as usize % KNOWN.len()] >> (last & 31) & 1
}

/// How many letters are looked at before anything is decided.
const STEP: usize = 8;

/// Returns where the first known triple from `from` on begins.
#[inline]
fn next_triple(bytes: &[u8], from: usize) -> Option<usize> {
    let [a, b, rest @ ..] = bytes.get(from..)? else {
        return None;
    };
    let add = |last: u32, byte: &u8| last << 5 | u32::from(byte & 31);
    let mut last = add(u32::from(a & 31), b);
    let mut done = 0;
    let (steps, _) = rest.as_chunks::<STEP>();
    for step in steps {
        let before = last;
        let mut found = 0;
        for byte in step {
            last = add(last, byte);
            found |= is_known(last);
        }
        if found != 0 {
            last = before;
            break;
        }
        done += STEP;
    }
    for (i, byte) in rest[done..].iter().enumerate() {
        last = add(last, byte);
        if is_known(last) != 0 {
            return Some(from + done + i);
        }
    }
    None
}

/// The part of a text around a needle, which is to be read closely.
type Window = (usize, usize);

/// Returns the window of the needle whose triple is at `at`.
fn window(bytes: &[u8], at: usize) -> Option<Window> {
    let [a, b, c, ..] = *bytes.get(at..)? else {
        return None;
    };
    let triple = triple(a, b, c);
    let first = INDEX.partition_point(|entry| entry.0 < triple);
    let same = INDEX[first..].iter().take_while(|entry| entry.0 == triple);
    let windows = same.filter_map(|&(_, number)| {
        if let Some(needle) = NEEDLES.get(usize::from(number)) {
            return needle.window(bytes, at);
        }
        let (prefix, ..) = PREFIXES[usize::from(number) - NEEDLES.len()];
        bytes[at..].starts_with(prefix).then_some((at, at + 1))
    });
    windows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

impl Needle {
    fn window(&self, bytes: &[u8], triple: usize) -> Option<Window> {
        let start = triple.checked_sub(self.at)?;
        let end = start + self.text.len();
        let is_here = bytes.get(start..end)?.eq_ignore_ascii_case(self.text);
        let goes_on = |next: &u8| {
            let last = bytes[end - 1];
            next.is_ascii_lowercase() && last.is_ascii_lowercase()
                || next.is_ascii_uppercase() && last.is_ascii_uppercase()
        };
        let is_whole = !(self.is_word && bytes.get(end).is_some_and(goes_on));
        let is_owned = || !self.text.starts_with(b"key") || has_owner(&bytes[..start]);
        (is_here && is_whole && is_owned())
            .then(|| (start.saturating_sub(self.back), end + self.ahead))
    }
}

/// Returns whether what stands before `key` makes it a secret.
fn has_owner(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(keys::MAX_KEY)..];
    let word = near.iter().rposition(u8::is_ascii_alphabetic);
    word.is_some_and(|last| keys::ends_with_owner(&near[..=last]))
}

/// Returns whether a prefix may begin the text.
#[inline]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let [a, b, c, ..] = *bytes else {
        return false;
    };
    is_known(u32::from(triple(a, b, c))) != 0
}

/// Returns whether there is nothing that a secret has beside it.
#[inline]
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    next_window(bytes, &mut 0).is_none()
}

/// Returns the next window, and moves `seek` behind the triple that gave it.
#[inline]
fn next_window(bytes: &[u8], seek: &mut usize) -> Option<Window> {
    while let Some(at) = next_triple(bytes, *seek) {
        work::read(at + 1 - *seek);
        *seek = at + 1;
        if let Some(window) = window(bytes, at) {
            return Some(window);
        }
    }
    None
}

/// The places of a text that are to be read closely, from its start to its end.
pub(super) struct Look {
    seek: usize,
    /// The end of the window.
    end: usize,
}

impl Look {
    pub(super) fn new() -> Self {
        Self { seek: 0, end: 0 }
    }

    /// Looks closely at everything, which must give the same.
    #[cfg(test)]
    pub(super) fn at_all(bytes: &[u8]) -> Self {
        Self {
            seek: bytes.len(),
            end: bytes.len(),
        }
    }

    /// Returns the next place from `i` on that may lead to a secret.
    pub(super) fn next(&mut self, bytes: &[u8], mut i: usize) -> Option<usize> {
        loop {
            if i < self.end {
                // The byte behind the window is the second of a pair.
                let near = &bytes[..(self.end + 1).min(bytes.len())];
                if let Some(passed) = next_lead(near, i) {
                    return Some(i + passed);
                }
                i = self.end;
            }
            let (start, end) = next_window(bytes, &mut self.seek)?;
            i = i.max(start);
            self.end = self.end.max(end);
        }
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
