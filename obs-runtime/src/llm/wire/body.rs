//! Bodies of answers, read while they pass by to whoever asked.

use serde_json::Value;

use super::read;
use crate::llm::usage::LlmResponse;

/// What is held back at most, in bytes. A longer answer, or chunk of a stream, is not read: its usage stays unknown.
const MOST: usize = 8 << 20;

/// So much of each text is held, in bytes: what an account reads is shorter, and the texts are most of an answer.
const MOST_OF_TEXT: usize = 512;

/// The type of server-sent events.
pub(super) const EVENTS: &str = "text/event-stream";

/// A body on its way. It keeps what it needs to read the next piece, and no more.
#[derive(Debug)]
pub(crate) struct Body {
    sort: Sort,
    held: Vec<u8>,
    text: Text,
    /// What is held was too long, and is left out to its end.
    skips: bool,
}

/// Where in JSON the next byte stands.
#[derive(Clone, Copy, Debug, Default)]
struct Text {
    /// How many bytes of a text were read; `None` outside of texts.
    read: Option<usize>,
    /// What is left of an escape.
    escaped: u8,
    /// The rest of the text is left out.
    cut: bool,
}

impl Text {
    /// Reads the next byte; returns whether it is to be held. What is held is JSON if all of it was.
    fn takes(&mut self, byte: u8) -> bool {
        let Some(read) = &mut self.read else {
            if byte == b'"' {
                self.read = Some(0);
            }
            return true;
        };
        *read += 1;
        if self.escaped > 0 {
            // Four digits follow `\\u`.
            self.escaped = if self.escaped == 5 && byte == b'u' {
                4
            } else if self.escaped == 5 {
                0
            } else {
                self.escaped - 1
            };
            return !self.cut;
        }
        match byte {
            b'"' => {
                *self = Self::default();
                return true;
            }
            b'\\' => self.escaped = 5,
            // Neither within a character, nor between two that are one.
            byte if byte.is_ascii() && *read > MOST_OF_TEXT => self.cut = true,
            _ => {}
        }
        !self.cut
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// One document.
    Json,
    /// Server-sent events.
    /// <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
    Events,
    /// Amazon's frames.
    /// <https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html>
    Frames,
    /// Nothing that is known.
    Other,
}

impl Body {
    pub(crate) fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let sort = match &*kind.to_ascii_lowercase() {
            "application/json" => Sort::Json,
            EVENTS => Sort::Events,
            "application/vnd.amazon.eventstream" => Sort::Frames,
            _ => Sort::Other,
        };
        Self {
            sort,
            held: Vec::new(),
            text: Text::default(),
            skips: false,
        }
    }

    /// Takes the next bytes; says what became readable.
    pub(crate) fn take(&mut self, bytes: &[u8], say: &mut dyn FnMut(LlmResponse)) {
        match self.sort {
            Sort::Other => {}
            Sort::Json => self.hold(bytes),
            Sort::Events => self.take_events(bytes, say),
            Sort::Frames => self.take_frames(bytes, say),
        }
    }

    /// The body has come to its end.
    pub(crate) fn end(mut self, say: &mut dyn FnMut(LlmResponse)) {
        match self.sort {
            Sort::Json if !self.skips => tell(&self.held, say),
            // The last line may have no end.
            Sort::Events => self.take_events(b"\n", say),
            _ => {}
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.skips {
            return;
        }
        if self.sort == Sort::Frames {
            self.held.extend_from_slice(bytes);
        } else {
            let text = &mut self.text;
            self.held
                .extend(bytes.iter().filter(|byte| text.takes(**byte)));
        }
        if self.held.len() > MOST {
            self.skips = true;
            self.held = Vec::new();
        }
    }

    /// Every provider writes an event's data in one line, so a line is read by itself.
    fn take_events(&mut self, mut bytes: &[u8], say: &mut dyn FnMut(LlmResponse)) {
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(end);
            if self.held.is_empty() && !self.skips {
                tell_line(line, say);
            } else {
                self.hold(line);
                tell_line(&self.held, say);
                self.held.clear();
            }
            self.text = Text::default();
            self.skips = false;
            bytes = &rest[1..];
        }
        self.hold(bytes);
    }

    fn take_frames(&mut self, bytes: &[u8], say: &mut dyn FnMut(LlmResponse)) {
        self.hold(bytes);
        let mut begin = 0;
        loop {
            let held = &self.held[begin..];
            let (Some(total), Some(headers)) = (number(held, 0), number(held, 4)) else {
                break;
            };
            // Lengths that cannot be: the rest is something else.
            if total < headers.saturating_add(16) || total > MOST {
                self.sort = Sort::Other;
                self.held = Vec::new();
                return;
            }
            let Some(frame) = held.get(..total) else {
                break;
            };
            tell(&frame[12 + headers..total - 4], say);
            begin += total;
        }
        self.held.drain(..begin);
    }
}

fn tell_line(line: &[u8], say: &mut dyn FnMut(LlmResponse)) {
    if let Some(data) = line.strip_prefix(b"data:") {
        tell(data, say);
    }
}

fn tell(json: &[u8], say: &mut dyn FnMut(LlmResponse)) {
    let raw = serde_json::from_slice::<Value>(json);
    if let Some(answer) = raw.ok().as_ref().and_then(read) {
        say(answer);
    }
}

/// A number of four bytes, the highest first.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
