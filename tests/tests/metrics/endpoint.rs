//! An endpoint for Prometheus that cannot be had, and one whose page has no place for everything.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use obs_runtime::server::HttpConfig;
use obs_runtime::{Observability, traced};
use obs_tests::http;
use obs_tests::own_process;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn works() {}

// bug: T24 (the start said yes, and nothing listened).
#[test]
fn a_port_that_is_taken_is_said_and_the_program_runs() -> Result {
    own_process!();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let taken = other.local_addr()?;
    let obs = Observability::builder().prometheus(taken).install()?;
    let problems = obs.health().problems;
    assert!(
        problems.len() == 1 && problems[0].contains(&taken.to_string()),
        "{problems:?}"
    );
    assert_eq!(obs.prometheus_addr(), None);
    works();
    assert_eq!(obs.stats().spans.recorded, 1);
    obs.shutdown()?;

    // Who wants to know gets an error, and nothing is left behind.
    let strict = || Observability::builder().strict(true);
    let error = strict().prometheus(taken).install().err().ok_or("taken")?;
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let error = strict().prometheus(everywhere).install().err();
    let error = error.ok_or("no token")?;
    assert!(error.to_string().contains("bearer token"), "{error}");

    // With a token, and once the port is free, it is served; the next owner has it after the shutdown.
    drop(other);
    let config = HttpConfig::new().bearer_token("s3cret");
    let obs = strict().prometheus_with(taken, config).install()?;
    assert_eq!(obs.prometheus_addr(), Some(taken));
    let get = |headers: &str| http::get(taken.port(), "/metrics", headers);
    assert_eq!(get("")?.status, 401);
    assert_eq!(get("Authorization: Bearer s3cret\r\n")?.status, 200);
    obs.shutdown()?;
    TcpListener::bind(taken)?;
    Ok(())
}

// bug: what a page had no place for was said, and counted nowhere.
#[test]
fn what_a_page_leaves_out_is_counted() -> Result {
    own_process!();
    let local = (Ipv4Addr::LOCALHOST, 0);
    let obs = Observability::builder().prometheus(local).install()?;
    let addr = obs.prometheus_addr().ok_or("an address")?;
    let left_out = || -> Result<String> {
        let body = http::get(addr.port(), "/metrics", "")?.body;
        let line = body
            .lines()
            .find_map(|l| l.strip_prefix("obs_prometheus_left_out_total "));
        Ok(line.ok_or("the counter")?.to_owned())
    };
    obs.metrics().counter("rows.read").build()?.inc();
    assert_eq!(left_out()?, "0");
    // The same name there.
    obs.metrics().counter("rows_read").build()?.inc();
    left_out()?;
    assert_eq!(left_out()?, "1");
    obs.shutdown()?;
    Ok(())
}
