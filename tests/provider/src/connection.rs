//! A connection: requests are read as HTTP/1.1, and answered byte by byte.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Model;
use crate::asked::{Asked, Head};
use crate::fault::{At, Close, Fault};
use crate::format::{Rendered, refused, render};
use crate::journal::{Connected, Entry, Tokens};
use crate::script::{Refusal, Reply, Script};

/// Larger requests are refused.
const MAX_REQUEST_BYTES: usize = 64 << 20;
/// The headers that are read; clients send about ten.
const MAX_HEADERS: usize = 64;

/// A request as it was read.
struct Request {
    head: Head,
    body: Vec<u8>,
    keep_alive: bool,
}

/// Answers the requests of one client until it goes, or a script ends the connection.
pub(crate) async fn serve(mut stream: TcpStream, model: Arc<dyn Model>, connected: Connected) {
    // Without this, the end of a large response may wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    loop {
        if buffer.is_empty() && !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
            return;
        }
        // Else the client has gone, or speaks something else.
        let Ok(Some(request)) = read_request(&mut stream, &mut buffer).await else {
            return;
        };
        let (rendered, script) = decide(&*model, &request);
        let answered = answer(&mut stream, &rendered, &script).await;
        connected.enter(Entry {
            case: request.head.header("x-case").map(str::to_owned),
            path: request.head.path.clone(),
            format: request.head.format(),
            request: request.body,
            status: rendered.status,
            billed: bill(&rendered, &script, &answered),
            said: answered.said,
            whole: answered.whole,
        });
        if !answered.keep || !request.keep_alive {
            return;
        }
    }
}

/// What becomes of a request, and the bytes of it.
fn decide(model: &dyn Model, request: &Request) -> (Rendered, Script) {
    let format = request.head.format();
    let refusal = |refusal: Box<Refusal>| {
        let rendered = refused(format, &refusal);
        (rendered, Script::refuse(*refusal))
    };
    if let Err(refused) = model.admit(&request.head) {
        return refusal(refused);
    }
    match Asked::read(request.head.clone(), &request.body) {
        Err(refused) => refusal(refused),
        Ok(asked) => {
            let script = model.script(&asked);
            (render(&asked, &script.reply), script)
        }
    }
}

/// What the request costs: all of it if it was answered, else at least what was said of it.
fn bill(rendered: &Rendered, script: &Script, answered: &Answered) -> Tokens {
    let share = if answered.whole { 1.0 } else { script.share };
    let generated = match script.reply {
        Reply::Answer(_) => rendered.bill.after(share),
        // There is no half of these.
        Reply::Vectors { .. } | Reply::Refusal(_) => rendered.bill,
    };
    generated.max(answered.said.unwrap_or_default())
}

/// What was written of an answer.
struct Answered {
    said: Option<Tokens>,
    whole: bool,
    /// Whether the connection may be used again.
    keep: bool,
}

async fn answer(stream: &mut TcpStream, rendered: &Rendered, script: &Script) -> Answered {
    let pieces = pieces(rendered, script.fault);
    let total: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    let stop = match script.fault {
        Fault::Cut(at, _) | Fault::Stall(at) => place(&pieces, total, at).min(total),
        _ => total,
    };
    let mut answered = Answered {
        said: None,
        whole: false,
        keep: false,
    };
    let mut written = 0;
    for piece in &pieces {
        let room = stop - written;
        // A piece of which the client has seen a byte has been said.
        if let Some(said) = piece.said.filter(|_| room > 0) {
            answered.said = Some(answered.said.unwrap_or_default().max(said));
        }
        let bytes = &piece.bytes[..piece.bytes.len().min(room)];
        if !bytes.is_empty() && stream.write_all(bytes).await.is_err() {
            return answered;
        }
        written += bytes.len();
    }
    match script.fault {
        Fault::Cut(_, close) => {
            if close == Close::Reset {
                let _ = stream.set_zero_linger();
            } else {
                let _ = stream.shutdown().await;
            }
            answered.whole = stop == total;
        }
        Fault::Stall(_) => {
            // Whatever comes, only the end of the connection ends this.
            let mut ignored = [0; 64];
            while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
            answered.whole = stop == total;
        }
        Fault::Fails(_) => {
            let _ = stream.shutdown().await;
        }
        Fault::None | Fault::WrongJson(_) | Fault::Duplicate(_) => {
            answered.whole = true;
            answered.keep = true;
        }
    }
    answered
}

/// What is written at once, with what it says.
struct Piece {
    bytes: Vec<u8>,
    said: Option<Tokens>,
    is_head: bool,
}

/// The response as it goes over the wire: the head, then each chunk in its frame.
fn pieces(rendered: &Rendered, fault: Fault) -> Vec<Piece> {
    let mut chunks = rendered.chunks.clone();
    // What a whole answer promises in its head, before anything goes wrong with it.
    let length: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    let mut ends = rendered.streamed;
    match fault {
        Fault::WrongJson(share) => {
            for chunk in &mut chunks {
                spoil(&mut chunk.bytes, share);
                chunk.said = None;
            }
        }
        Fault::Duplicate(at) if rendered.streamed => {
            let at = at.min(chunks.len().saturating_sub(1));
            if let Some(chunk) = chunks.get(at).cloned() {
                chunks.insert(at, chunk);
            }
        }
        Fault::Fails(at) => {
            if rendered.streamed {
                chunks.truncate(at);
                chunks.push(crate::format::Chunk {
                    bytes: rendered.failure.clone(),
                    said: None,
                });
            } else {
                for chunk in &mut chunks {
                    chunk.bytes.truncate(chunk.bytes.len() / 2);
                    chunk.said = None;
                }
            }
            ends &= rendered.streamed;
        }
        _ => {}
    }
    let mut pieces = vec![Piece {
        bytes: head(rendered, length),
        said: None,
        is_head: true,
    }];
    for chunk in chunks {
        let mut bytes = chunk.bytes;
        if rendered.streamed {
            let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
            framed.append(&mut bytes);
            framed.extend_from_slice(b"\r\n");
            bytes = framed;
        }
        pieces.push(Piece {
            bytes,
            said: chunk.said,
            is_head: false,
        });
    }
    if ends {
        pieces.push(Piece {
            bytes: b"0\r\n\r\n".to_vec(),
            said: None,
            is_head: false,
        });
    }
    pieces
}

/// Makes a text that is no JSON out of one that is, without changing its length.
fn spoil(bytes: &mut [u8], share: f64) {
    let braces: Vec<usize> = (0..bytes.len())
        .filter(|at| matches!(bytes[*at], b'{' | b'}' | b':'))
        .collect();
    let chosen = (braces.len() as f64 * share.clamp(0.0, 1.0)) as usize;
    if let Some(at) = braces.get(chosen.min(braces.len().saturating_sub(1))) {
        bytes[*at] = b'#';
    }
}

fn head(rendered: &Rendered, length: usize) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        rendered.status,
        reason(rendered.status)
    );
    for (name, value) in &rendered.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if rendered.streamed {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
    } else {
        let _ = write!(head, "content-length: {length}\r\n\r\n");
    }
    head.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        500.. => "Internal Server Error",
        _ => "Other",
    }
}

/// How many bytes are before a place.
fn place(pieces: &[Piece], total: usize, at: At) -> usize {
    match at {
        At::Byte(byte) => byte,
        At::Share(share) => (total as f64 * share.clamp(0.0, 1.0)) as usize,
        At::Chunk(chunk) => {
            let heads = pieces.iter().filter(|piece| piece.is_head).count();
            let before = pieces.iter().take(heads + chunk);
            before.map(|piece| piece.bytes.len()).sum()
        }
    }
}

/// Reads a request to its end: closing earlier would reset the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (head, begin, length, keep_alive) = loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed
            .parse(buffer)
            .map_err(|error| invalid(&error.to_string()))?;
        if let httparse::Status::Complete(begin) = status {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let named = |h: &httparse::Header<'_>| (h.name.to_ascii_lowercase(), text(h.value));
            let head = Head {
                method: parsed.method.unwrap_or_default().to_owned(),
                path: parsed.path.unwrap_or_default().to_owned(),
                headers: parsed.headers.iter().map(named).collect(),
            };
            if head.header("transfer-encoding").is_some() {
                return Err(invalid("requests of known length are expected"));
            }
            let length = head.header("content-length").unwrap_or("0");
            let length: usize = length.parse().map_err(|_| invalid("content-length"))?;
            let keep_alive = head.header("connection") != Some("close");
            break (head, begin, length, keep_alive);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    if length > MAX_REQUEST_BYTES {
        return Err(invalid("the request is too large"));
    }
    while buffer.len() < begin + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(begin + length);
    let body = buffer.split_off(begin);
    *buffer = rest;
    Ok(Some(Request {
        head,
        body,
        keep_alive,
    }))
}
