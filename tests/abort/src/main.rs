//! Records as every program does; a panic in an annotated function ends the process as one in a plain function does.
// case: 89

use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use obs_runtime::{Observability, testing, traced};

#[traced(fields(n))]
fn half(n: u8) -> Result<u8, String> {
    if n % 2 == 0 {
        Ok(n / 2)
    } else {
        Err("odd".into())
    }
}

#[traced]
async fn quarter(n: u8) -> Result<u8, String> {
    half(half(n)?)
}

#[traced]
fn panics() -> Result<u8, String> {
    panic!("as it should")
}

fn main() {
    assert!(cfg!(panic = "abort"));
    if std::env::args().nth(1).as_deref() == Some("panic") {
        let _obs = Observability::builder().install().expect("it starts");
        assert_eq!(half(4), Ok(2));
        let _ = panics();
        unreachable!("the process has ended");
    }
    let captured = testing::capture(|| {
        let mut future = pin!(quarter(6));
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    });
    assert_eq!(captured.value, Poll::Ready(Err("odd".to_owned())));
    captured.assert_tree("quarter [error: odd]\n  half n=6\n  half [error: odd] n=3");

    // Nothing brings the feature `tls` here either.
    let https = Observability::builder().otlp("https://localhost:4318");
    let error = https
        .install()
        .map(drop)
        .expect_err("https is not built in");
    let expected = "https is not built in: enable feature `tls` of obs-runtime, or use http";
    assert!(error.to_string().ends_with(expected), "{error}");

    let receiver = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = receiver.local_addr().expect("it listens");
    let received = std::thread::spawn(move || receive(&receiver));
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg("panic")
        .env(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            format!("http://{address}"),
        )
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("as it should"), "{said}");
    assert_eq!(
        said.matches("panicked at").count(),
        1,
        "the hook runs once: {said}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(6), "{:?}", output.status);
    }
    assert!(!output.status.success());
    let received = received
        .join()
        .expect("the receiver lives")
        .expect("a request");
    let has = |text: &str| {
        received
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(
        has("half"),
        "the span that ended before the panic has arrived"
    );
    println!("records, delivers, and aborts");
}

/// The body of the first request.
fn receive(listener: &TcpListener) -> std::io::Result<Vec<u8>> {
    let (mut stream, _) = listener.accept()?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    Ok(body)
}
