//! Reads the answer to a request (RFC 9112, sections 4 to 6).

use std::io::{self, Read};

use httparse::Status;

use crate::exporter::otlp::http::MAX_ANSWER;

/// The longest head of an answer.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// An answer.
#[derive(Debug, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) retry_after: Option<String>,
    /// Or why there is no whole one.
    pub(super) body: Result<Vec<u8>, String>,
    /// The connection can be used again.
    pub(super) keeps_alive: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unread {
    Io(io::Error),
    /// What came is not HTTP.
    Strange(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<httparse::Error> for Unread {
    fn from(error: httparse::Error) -> Self {
        Self::Strange(format!("the answer is not HTTP: {error}"))
    }
}

/// How long a body is.
#[derive(Debug, PartialEq)]
enum Length {
    Known(u64),
    Chunked,
    /// Until the connection ends.
    Open,
}

/// Reads one answer; those that announce another one are passed over.
///
/// # Errors
/// When its head does not come to its end.
pub(super) fn read(from: &mut impl Read) -> Result<Response, Unread> {
    let mut came = Came {
        from,
        bytes: Vec::with_capacity(1024),
    };
    loop {
        if let Some((response, length, head)) = parse_head(&came.bytes)? {
            came.bytes.drain(..head);
            if (100..200).contains(&response.status) && response.status != 101 {
                continue;
            }
            return Ok(with_body(response, &length, came));
        }
        if came.bytes.len() > MAX_HEAD {
            return Err(Unread::Strange("the answer's head has no end".to_owned()));
        }
        if !came.more()? {
            let text = "the connection was closed before the answer";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text).into());
        }
    }
}

/// The head at the start of `bytes` with its length, if it is whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(Response, Length, usize)>, Unread> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let Status::Complete(head) = parsed.parse(bytes)? else {
        return Ok(None);
    };
    let mut response = Response {
        status: parsed.code.unwrap_or_default(),
        content_type: None,
        retry_after: None,
        body: Ok(Vec::new()),
        // The default of HTTP/1.1, which HTTP/1.0 can ask for.
        keeps_alive: parsed.version == Some(1),
    };
    let mut length = Length::Open;
    for header in parsed.headers.iter() {
        let Ok(value) = core::str::from_utf8(header.value).map(str::trim) else {
            continue;
        };
        match header.name.to_ascii_lowercase().as_str() {
            "content-type" => response.content_type = Some(value.to_owned()),
            "retry-after" => response.retry_after = Some(value.to_owned()),
            "connection" => {
                let has = |word| {
                    value
                        .split(',')
                        .any(|w| w.trim().eq_ignore_ascii_case(word))
                };
                response.keeps_alive = !has("close") && (response.keeps_alive || has("keep-alive"));
            }
            // Whatever else it says, it ends with the last chunk.
            "transfer-encoding" => length = Length::Chunked,
            "content-length" if length != Length::Chunked => {
                let known = value.parse().map_err(|_| {
                    Unread::Strange(format!("the answer's content-length is {value:?}"))
                })?;
                length = Length::Known(known);
            }
            _ => {}
        }
    }
    if matches!(response.status, 204 | 304) {
        length = Length::Known(0);
    }
    Ok(Some((response, length, head)))
}

fn with_body(mut response: Response, length: &Length, mut came: Came<'_, impl Read>) -> Response {
    let body = match *length {
        Length::Known(length) => came.exactly(length),
        Length::Chunked => came.chunks(),
        Length::Open => came.rest(),
    };
    let is_whole = body.is_ok() && *length != Length::Open;
    // What nobody asked for makes the next answer doubtful.
    response.keeps_alive &= is_whole && came.bytes.is_empty();
    response.body = body;
    response
}

const TOO_LONG: &str = "it is longer than 64 KiB";
const ENDED: &str = "the connection was closed before its end";

/// What came and was not used yet.
struct Came<'a, R> {
    from: &'a mut R,
    bytes: Vec<u8>,
}

impl<R: Read> Came<'_, R> {
    /// Reads more; whether there is more.
    fn more(&mut self) -> io::Result<bool> {
        let mut room = [0; 1024];
        let n = loop {
            match self.from.read(&mut room) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.bytes.extend_from_slice(&room[..n]);
        Ok(n > 0)
    }

    fn needs_more(&mut self) -> Result<(), String> {
        match self.more() {
            Ok(true) => Ok(()),
            Ok(false) => Err(ENDED.to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    fn exactly(&mut self, length: u64) -> Result<Vec<u8>, String> {
        let length = usize::try_from(length)
            .ok()
            .filter(|l| *l as u64 <= MAX_ANSWER)
            .ok_or(TOO_LONG)?;
        while self.bytes.len() < length {
            self.needs_more()?;
        }
        Ok(self.bytes.drain(..length).collect())
    }

    fn rest(&mut self) -> Result<Vec<u8>, String> {
        while self.more().map_err(|e| e.to_string())? {
            if self.bytes.len() as u64 > MAX_ANSWER {
                return Err(TOO_LONG.to_owned());
            }
        }
        Ok(core::mem::take(&mut self.bytes))
    }

    fn chunks(&mut self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let size = loop {
                match httparse::parse_chunk_size(&self.bytes) {
                    Ok(Status::Complete((head, size))) => {
                        self.bytes.drain(..head);
                        break size;
                    }
                    Ok(Status::Partial) if self.bytes.len() as u64 <= MAX_ANSWER => {
                        self.needs_more()?;
                    }
                    _ => return Err("a chunk has no size".to_owned()),
                }
            };
            if size == 0 {
                self.trailers()?;
                return Ok(body);
            }
            if size > MAX_ANSWER - body.len() as u64 {
                return Err(TOO_LONG.to_owned());
            }
            body.append(&mut self.exactly(size)?);
            if self.exactly(2)? != b"\r\n" {
                return Err("a chunk does not end where it should".to_owned());
            }
        }
    }

    /// Passes over the fields behind the last chunk.
    fn trailers(&mut self) -> Result<(), String> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
            match httparse::parse_headers(&self.bytes, &mut fields) {
                Ok(Status::Complete((len, _))) => {
                    self.bytes.drain(..len);
                    return Ok(());
                }
                Ok(Status::Partial) if self.bytes.len() <= MAX_HEAD => self.needs_more()?,
                _ => return Err("its trailers are no fields".to_owned()),
            }
        }
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
