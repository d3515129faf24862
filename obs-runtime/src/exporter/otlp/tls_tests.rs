use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::exporter::otlp::batch::Envelope;
use crate::exporter::otlp::config::{OtlpConfig, Signal};
use crate::exporter::otlp::fixtures::resource;
use crate::exporter::otlp::receiver::LONG;
use crate::exporter::otlp::tls_fixtures::{Authority, File};
use crate::exporter::otlp::transport::{self, Answer, PartialSuccess};
use crate::init::component::Environment;
use crate::self_obs::DropReason;
use crate::vars::Vars;

/// Answers one request over TLS; says how many certificates the client sent, or why it failed.
fn serve_one(config: Arc<rustls::ServerConfig>) -> (String, mpsc::Receiver<Result<usize, String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (sender, result) = mpsc::channel();
    std::thread::spawn(move || {
        let serve = || -> Result<usize, std::io::Error> {
            let (stream, _) = listener.accept()?;
            let session = rustls::ServerConnection::new(config).map_err(std::io::Error::other)?;
            let mut stream = rustls::StreamOwned::new(session, stream);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap()];
            stream.read_exact(&mut body)?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            Ok(stream.conn.peer_certificates().map_or(0, <[_]>::len))
        };
        sender.send(serve().map_err(|e| e.to_string())).unwrap();
    });
    (url, result)
}

fn config(vars: &[(&str, &str)]) -> OtlpConfig {
    let mut env = Environment::new(Vars::of_list(vars));
    let config = OtlpConfig::from_env(&mut env);
    assert_eq!(env.vars.problems, [""; 0]);
    config
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY";

fn send(config: &OtlpConfig) -> Answer {
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let mut transport = transport::connect(&target).unwrap();
    let envelope = Envelope::new(&resource());
    let batch = envelope.finish(envelope.begin(Vec::new()));
    transport.send(&Arc::new(batch), LONG)
}

#[test]
fn an_authority_of_ones_own() {
    let authority = Authority::new();
    let (url, result) = serve_one(authority.server(false, b"http/1.1"));
    let roots = File::with(&authority.pem());
    let answer = send(&config(&[(ENDPOINT, &url), (CERTIFICATE, roots.path())]));
    assert_eq!(answer, Answer::Accepted(PartialSuccess::default()));
    assert_eq!(result.recv_timeout(LONG).unwrap(), Ok(0));
}

#[test]
fn a_receiver_that_nobody_vouches_for_gets_nothing() {
    let authority = Authority::new();
    let others = File::with(&Authority::new().pem());
    for vars in [&[][..], &[(CERTIFICATE, others.path())]] {
        let (url, result) = serve_one(authority.server(false, b"http/1.1"));
        let vars = [&[(ENDPOINT, &*url)], vars].concat();
        let answer = send(&config(&vars));
        let Answer::Failed(failure) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(failure.reason, DropReason::Unreachable);
        assert!(failure.cause.contains("certificate"), "{}", failure.cause);
        assert!(result.recv_timeout(LONG).unwrap().is_err());
    }
}

#[test]
fn a_receiver_may_ask_who_sends() {
    let authority = Authority::new();
    let roots = File::with(&authority.pem());
    let (certificate, key) = authority.issue();
    let (certificate, key) = (
        File::with(&certificate.pem()),
        File::with(&key.serialize_pem()),
    );
    let (url, result) = serve_one(authority.server(true, b"http/1.1"));
    let answer = send(&config(&[
        (ENDPOINT, &url),
        (CERTIFICATE, roots.path()),
        (CLIENT_CERTIFICATE, certificate.path()),
        (CLIENT_KEY, key.path()),
    ]));
    assert_eq!(answer, Answer::Accepted(PartialSuccess::default()));
    assert_eq!(result.recv_timeout(LONG).unwrap(), Ok(1));
    // Without a certificate the receiver refuses.
    let (url, result) = serve_one(authority.server(true, b"http/1.1"));
    let answer = send(&config(&[(ENDPOINT, &url), (CERTIFICATE, roots.path())]));
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    assert!(result.recv_timeout(LONG).unwrap().is_err());
}

#[test]
fn files_that_cannot_be_used_are_errors_at_start() {
    let url = (ENDPOINT, "https://localhost:1");
    let authority = Authority::new();
    let good = File::with(&authority.pem());
    let (certificate, key) = authority.issue();
    let swapped = (
        File::with(&key.serialize_pem()),
        File::with(&certificate.pem()),
    );
    let text = File::with("no certificate");
    for (vars, expected) in [
        (
            vec![url, (CERTIFICATE, "/nowhere/ca.pem")],
            "cannot be read",
        ),
        (
            vec![url, (CERTIFICATE, text.path())],
            "expected certificates",
        ),
        (vec![url, (CLIENT_KEY, swapped.0.path())], "needed together"),
        (
            vec![url, (CLIENT_CERTIFICATE, good.path())],
            "needed together",
        ),
        (
            vec![
                url,
                (CLIENT_CERTIFICATE, good.path()),
                (CLIENT_KEY, swapped.1.path()),
            ],
            "expected a private key",
        ),
    ] {
        let error = config(&vars).target(Signal::Traces).err().unwrap();
        assert!(error.is_config());
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains(vars[vars.len() - 1].0), "{error}");
    }
    // Without https no file is needed, and none is read.
    let plain = config(&[(ENDPOINT, "http://localhost:1"), (CERTIFICATE, "/nowhere")]);
    assert!(plain.target(Signal::Traces).is_ok());
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn grpc_over_tls() {
    use crate::exporter::otlp::config::Protocol;
    let authority = Authority::new();
    let roots = File::with(&authority.pem());
    let (url, served) = serve_grpc(authority.server(false, b"h2"));
    let vars = [(ENDPOINT, &*url), (CERTIFICATE, roots.path())];
    let answer = send(&config(&vars).protocol(Protocol::Grpc));
    assert_eq!(answer, Answer::Accepted(PartialSuccess::default()));
    served.recv_timeout(LONG).unwrap();
    // Without the authority's certificate the receiver gets nothing.
    let (url, served) = serve_grpc(authority.server(false, b"h2"));
    let answer = send(&config(&[(ENDPOINT, &url)]).protocol(Protocol::Grpc));
    let Answer::Failed(failure) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(failure.reason, DropReason::Unreachable);
    assert!(failure.cause.contains("certificate"), "{}", failure.cause);
    assert!(served.recv_timeout(Duration::ZERO).is_err());
}

/// Answers one gRPC request over TLS.
#[cfg(feature = "otlp-grpc")]
fn serve_grpc(config: Arc<rustls::ServerConfig>) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (sender, served) = mpsc::channel();
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stream, _) = listener.accept().await?;
        let stream = tokio_rustls::TlsAcceptor::from(config)
            .accept(stream)
            .await?;
        let mut connection = h2::server::handshake(stream)
            .await
            .map_err(std::io::Error::other)?;
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let head = http::Response::builder()
                .header("content-type", "application/grpc")
                .body(())
                .map_err(std::io::Error::other)?;
            let mut send = respond
                .send_response(head, false)
                .map_err(std::io::Error::other)?;
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            // An empty message.
            let _ = send.send_data(vec![0; 5].into(), false);
            let _ = send.send_trailers(trailers);
            let _ = sender.send(());
        }
        Ok::<_, std::io::Error>(())
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _ = runtime.block_on(serve);
    });
    (url, served)
}
