//! Two processes that trace in every way at once make one tree, as a receiver sees it that shares no code with obs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use obs_tests::programs;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_one_trace");

fn program(role: &str, oracle: &OtlpOracle) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg(role)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", oracle.http_url())
        .env_remove("OTEL_PROPAGATORS");
    command
}

/// The service; killed if a test fails.
struct Server(Child);

impl Server {
    fn start(oracle: &OtlpOracle) -> (Self, String) {
        let mut command = program("server", oracle);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .expect("the program was built with this test");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("piped above");
        BufReader::new(stdout)
            .read_line(&mut port)
            .expect("a line of text");
        (Self(child), port.trim().to_owned())
    }

    /// Its input ends, and then it sends what it has.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it was started").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The spans below a parent, as lines; sorted, since siblings may run side by side.
fn tree(dump: &Dump, parent: &str, depth: usize) -> String {
    let mut children: Vec<String> = dump
        .spans()
        .iter()
        .filter(|span| span["parent_span_id"] == parent)
        .map(|span| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (service, name, kind) = (
                text(&span["resource"]["service.name"]),
                text(&span["name"]),
                text(&span["kind"]),
            );
            let kind = if kind == "internal" {
                String::new()
            } else {
                format!(" ({kind})")
            };
            let below = tree(dump, &text(&span["span_id"]), depth + 1);
            format!("{}{service}: {name}{kind}\n{below}", "  ".repeat(depth))
        })
        .collect();
    children.sort();
    children.concat()
}

const TREE: &str = "\
client: checkout
  client: plain
    server: GET /stock/{id} (server)
      server: stock
  client: tracing.prepare
    client: otel.reserve
      client: GET (client)
        server: GET /orders/{id} (server)
          server: chunk
          server: chunk
          server: chunk
          server: order
            server: ask_stock
              server: GET (client)
                server: GET /stock/{id} (server)
                  server: stock
            server: audit
            server: tracing.load
              server: otel.query
                server: price
";

#[test]
fn two_processes_and_four_ways_to_trace_make_one_tree() {
    let Some(oracle) = OtlpOracle::start("two_processes_and_four_ways_to_trace_make_one_tree")
    else {
        return;
    };
    let (server, port) = Server::start(&oracle);
    let mut client = program("client", &oracle);
    client.arg(port);
    let output = programs::run(client, b"").expect("the program was built with this test");
    assert!(output.status.success(), "{output:?}");
    server.end();

    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value]);
    let found = tree(&dump, "", 0);
    assert_eq!(found, TREE, "\n{found}");
    let trace = &dump.only("checkout")["trace_id"];
    let apart = dump.spans().iter().find(|s| s["trace_id"] != *trace);
    assert_eq!(apart, None);
    // What `tracing` said is in the trace too.
    for (message, span) in [("priced", "price"), ("audited", "audit")] {
        let mut said = dump.logs().iter().filter(|log| log["body"] == message);
        let said = said.next().expect("a log record");
        assert_eq!(said["trace_id"], *trace);
        assert_eq!(said["span_id"], dump.only(span)["span_id"]);
    }
    // Spans of both sides of a request know that the other is elsewhere.
    for span in dump.spans().iter().filter(|s| s["kind"] == "server") {
        assert_eq!(
            span["flags"].as_u64().map(|flags| flags & 0x300),
            Some(0x300)
        );
        assert_eq!(span["attributes"]["http.response.status_code"], 200);
    }
    check_metrics(&dump);
}

fn check_metrics(dump: &Dump) {
    let counts = |name: &str, service: &str| {
        let mut found = dump.metrics().iter().rev();
        let found = found.find(|m| m["name"] == name && m["resource"]["service.name"] == service);
        let points = found.unwrap_or_else(|| panic!("no {name} of {service}"))["points"].clone();
        let mut counts: Vec<(String, u64)> = points
            .as_array()
            .into_iter()
            .flatten()
            .map(|p| {
                let route = p["attributes"]["http.route"].as_str().unwrap_or("-");
                (route.to_owned(), p["count"].as_u64().unwrap_or_default())
            })
            .collect();
        counts.sort();
        counts
    };
    let server = counts("http.server.request.duration", "server");
    assert_eq!(
        server,
        [
            ("/orders/{id}".to_owned(), 1),
            ("/stock/{id}".to_owned(), 2)
        ]
    );
    for service in ["client", "server"] {
        let client = counts("http.client.request.duration", service);
        assert_eq!(client, [("-".to_owned(), 1)]);
    }
}
