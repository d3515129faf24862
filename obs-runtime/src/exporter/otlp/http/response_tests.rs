use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// Hands out bytes in pieces, then ends or fails.
struct Pieces {
    all: VecDeque<Vec<u8>>,
    end: Option<io::ErrorKind>,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.all.pop_front() else {
            return self.end.map_or(Ok(0), |kind| Err(kind.into()));
        };
        let n = piece.len().min(room.len());
        room[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            self.all.push_front(piece.split_off(n));
        }
        Ok(n)
    }
}

fn whole(bytes: &[u8]) -> Result<Response, Unread> {
    read(&mut &*bytes)
}

fn response(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        content_type: None,
        retry_after: None,
        body: Ok(body.to_vec()),
        keeps_alive: true,
    }
}

const CHUNKED: &[u8] = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nRetry-After: 7\r\n\r\n\
    3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nExpires: never\r\n\r\n";
const PLAIN: &[u8] =
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\n\r\nhello";

fn chunked() -> Response {
    Response {
        retry_after: Some("7".to_owned()),
        ..response(503, b"abc0123456789")
    }
}

fn plain() -> Response {
    Response {
        content_type: Some("text/plain".to_owned()),
        ..response(200, b"hello")
    }
}

#[test]
fn bodies_end_as_their_head_says() {
    assert_eq!(whole(PLAIN).unwrap(), plain());
    assert_eq!(whole(CHUNKED).unwrap(), chunked());
    let none = whole(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(none, response(204, b""));
    let open = whole(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
    assert_eq!(
        open,
        Response {
            keeps_alive: false,
            ..response(200, b"to the end")
        }
    );
}

#[test]
fn a_connection_is_kept_if_both_sides_know_where_they_are() {
    let keeps = |head: &str| {
        whole(format!("{head}\r\n\r\n").as_bytes())
            .unwrap()
            .keeps_alive
    };
    assert!(keeps("HTTP/1.1 200 OK\r\ncontent-length: 0"));
    assert!(!keeps(
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: te, Close"
    ));
    assert!(!keeps("HTTP/1.0 200 OK\r\ncontent-length: 0"));
    assert!(keeps(
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive"
    ));
    // More than was announced.
    let more = whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc").unwrap();
    assert!(!more.keeps_alive);
    assert_eq!(more.body.unwrap(), b"ab");
}

#[test]
fn the_status_counts_whatever_becomes_of_the_body() {
    let long = "x".repeat(70_000);
    for rest in [
        "content-length: 9\r\n\r\nabc".to_owned(),
        format!("content-length: 70000\r\n\r\n{long}"),
        format!("\r\n{long}"),
        "transfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n".to_owned(),
        "transfer-encoding: chunked\r\n\r\nfffffffffffffff\r\nabc".to_owned(),
        "transfer-encoding: chunked\r\n\r\n0\r\nno field".to_owned(),
        "transfer-encoding: chunked\r\n\r\n".to_owned(),
    ] {
        let rest = rest
            .strip_prefix("\r\n")
            .map_or(rest.clone(), |r| format!("x: y\r\n\r\n{r}"));
        let response = whole(format!("HTTP/1.1 202 Accepted\r\n{rest}").as_bytes()).unwrap();
        assert_eq!(response.status, 202);
        assert!(response.body.is_err(), "{:?}", response.body);
        assert!(!response.keeps_alive);
    }
    let mut late = Pieces {
        all: [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()].into(),
        end: Some(io::ErrorKind::TimedOut),
    };
    let late = read(&mut late).unwrap();
    assert_eq!(late.status, 200);
    assert!(late.body.is_err());
}

#[test]
fn what_is_no_head_is_no_answer() {
    let strange = |bytes: &[u8]| matches!(whole(bytes), Err(Unread::Strange(_)));
    assert!(strange(b"SSH-2.0-OpenSSH_9.9\r\n"));
    assert!(strange(b"\x16\x03\x01\x02\x00\x01\x00"));
    assert!(strange(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"));
    let endless = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 100_000]].concat();
    assert!(strange(&endless));
    for cut in [&b""[..], b"HTTP/1.1 200"] {
        let Err(Unread::Io(e)) = whole(cut) else {
            panic!("{cut:?} is no answer")
        };
        assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof);
    }
}

proptest! {
    /// The network may cut an answer anywhere.
    #[test]
    fn pieces_of_any_length_are_the_same_answer(cuts in prop::collection::vec(1..9_usize, 0..60)) {
        for (bytes, expected) in [(CHUNKED, chunked()), (PLAIN, plain())] {
            let mut rest = bytes;
            let mut all = VecDeque::new();
            for cut in &cuts {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                if !piece.is_empty() {
                    all.push_back(piece.to_vec());
                }
                rest = after;
            }
            if !rest.is_empty() {
                all.push_back(rest.to_vec());
            }
            let mut pieces = Pieces { all, end: Some(io::ErrorKind::TimedOut) };
            prop_assert_eq!(read(&mut pieces).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_that_comes_is_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), tail in any::<bool>()) {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let bytes = if tail { [head, bytes].concat() } else { bytes };
        drop(whole(&bytes));
    }
}
