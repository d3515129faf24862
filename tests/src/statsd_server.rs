//! A real StatsD: the original of Etsy, with its console as back end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use crate::programs;
use crate::server::{self, Server, until};

/// A running StatsD; it ends when dropped.
#[derive(Debug)]
pub struct StatsdServer {
    server: Server,
    udp: u16,
}

impl StatsdServer {
    /// Starts it: the folder `OBS_TEST_STATSD`, or what `.ci/run` installs. `None` (and a SKIPPED line) if
    /// it or node is missing. It keeps what it gets, instead of giving it away.
    ///
    /// # Panics
    /// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when it does not start.
    pub fn start(test: &str) -> Option<Self> {
        let installed = "statsd/node_modules/statsd";
        let program = programs::find("OBS_TEST_STATSD", installed, "statsd");
        let node = Command::new("node").arg("--version").output();
        let (Some(program), Ok(_)) = (program, node) else {
            programs::missing(test, "node and the npm package statsd (see .ci/run)");
            return None;
        };
        let folder = server::folder(test);
        let config = folder.join("config.js");
        let udp = Cell::new(0);
        let server = Server::start_until(
            &folder,
            |port| {
                let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
                udp.set(free.local_addr().expect("bound").port());
                let text = format!(
                    "{{ address: '127.0.0.1', port: {}, mgmt_address: '127.0.0.1', mgmt_port: {port}, \
                     backends: ['./backends/console'], flushInterval: 3600000, title: false }}",
                    udp.get()
                );
                std::fs::write(&config, text).expect("the configuration is written");
                let mut command = Command::new("node");
                command.arg("stats.js").arg(&config).current_dir(&program);
                command
            },
            |server| up(server, udp.get()),
        );
        Some(Self {
            server,
            udp: udp.get(),
        })
    }

    /// Where it takes datagrams.
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.udp)
    }

    /// Everything of a kind (`counters`, `gauges`) since it was started, by name and tags.
    ///
    /// # Panics
    /// When it does not answer, or not with numbers.
    pub fn all(&self, kind: &str) -> BTreeMap<String, f64> {
        let text = command(&self.server, kind).expect("statsd answers");
        // JavaScript, in one line or in many: `{ 'a.b': 1, c: 2 }`. Names have no commas.
        let parts = text.split(['{', '}', ',', '\n']).map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        let read = |part: &str| {
            let (name, value) = part.rsplit_once(": ")?;
            Some((name.trim_matches('\'').to_owned(), value.parse().ok()?))
        };
        parts
            .map(|part| read(part).unwrap_or_else(|| panic!("{part:?} in {text}")))
            .collect()
    }

    /// The values of each timer since it was started, at most 100, by name and tags.
    ///
    /// # Panics
    /// When it does not answer, or not with lists of numbers.
    pub fn timers(&self) -> BTreeMap<String, Vec<f64>> {
        let text = command(&self.server, "timers").expect("statsd answers");
        let text = text.trim().trim_matches(['{', '}']);
        // `a: [1, 2], 'b.c': [3]`, in one line or in many.
        let lists = text.split(']').filter_map(|list| list.split_once('['));
        lists
            .map(|(name, values)| {
                let name = name.trim_matches(|c: char| c.is_whitespace() || ",:'".contains(c));
                let values = values.split(',').map(|value| value.trim().parse());
                let values: Result<Vec<f64>, _> = values.collect();
                (
                    name.to_owned(),
                    values.unwrap_or_else(|e| panic!("{e} in {text}")),
                )
            })
            .collect()
    }

    /// Asks until its counters are as wanted: datagrams take their time.
    ///
    /// # Panics
    /// When they are not, after five minutes.
    pub fn counters_until(
        &self,
        done: impl Fn(&BTreeMap<String, f64>) -> bool,
    ) -> BTreeMap<String, f64> {
        until("datagrams", || {
            let all = self.all("counters");
            done(&all).then_some(all)
        })
    }
}

/// Whether a datagram arrives.
fn up(server: &Server, udp: u16) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let sent = socket.send_to(b"statsd.probe:1|c", (Ipv4Addr::LOCALHOST, udp));
    sent.is_ok() && command(server, "counters").is_some_and(|text| text.contains("statsd.probe"))
}

/// The answer of the management interface, up to its `END`. It takes what comes in one piece for a command.
fn command(server: &Server, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    stream.write_all(command.as_bytes()).ok()?;
    let mut text = String::new();
    let mut lines = BufReader::new(stream);
    while !text.ends_with("END\n") {
        if lines.read_line(&mut text).ok()? == 0 {
            return None;
        }
    }
    text.truncate(text.len() - "END\n".len());
    Some(text)
}
