//! The example of a service: a signal ends it when the request that is being answered has its answer.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::example;

#[test]
fn a_signal_lets_the_requests_end_and_the_last_span_arrives() {
    for signal in ["-INT", "-TERM"] {
        let mut child = example("axum")
            .arg("serve")
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`cargo build --examples` first: {error}"));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap();

        // The answer 100 says that the handler is there and waits for the body.
        let mut request = TcpStream::connect(address).unwrap();
        let head = "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: text/plain\r\n\
                    content-length: 6\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";
        request.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; 25];
        request.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

        let id = child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        // It has seen the signal when nobody is let in any more.
        let give_up = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_ok() {
            assert!(Instant::now() < give_up, "it still listens");
            std::thread::yield_now();
        }
        request.write_all(b"kettle").unwrap();
        let mut answer = String::new();
        request.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("ordered: kettle"), "{answer}");

        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "stopped\n");
        let mut errors = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        assert!(errors.contains("POST /orders"), "{errors}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
