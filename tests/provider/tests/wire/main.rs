//! Whatever happens on the wire, a cost holds what the provider billed.
//!
//! Random answers of a provider that can fail meet random clients: what comes over the socket is cut, late, twice or
//! broken, and whoever waits for it goes away, panics, or does not understand it. In each case the provider's journal must
//! lie between the two ends of the cost, and on both of them where everything was said.
//!
//! `OBS_WIRE_CASES=20000 cargo test --release -p obs-tests-provider --test wire` runs more of them, and `OBS_WIRE_SEED` another
//! beginning, or the one case that failed.

mod bill;
mod case;
mod clients;
mod layers;
mod servers;
mod stalls;

use std::sync::OnceLock;

use case::{Case, Http};
use obs_runtime::Observability;
use reqwest_middleware::ClientBuilder;

/// Runs in a few seconds.
const CASES: u64 = 400;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

/// Switches obs on, for as long as the process lasts.
fn observe() {
    static OBS: OnceLock<Observability> = OnceLock::new();
    OBS.get_or_init(|| {
        let builder = Observability::builder().prices(bill::prices());
        builder.install().expect("it is the only one")
    });
}

/// A client with a connection for each request: when it is over, the client has gone.
fn unpooled() -> reqwest::Client {
    // Fails when it was chosen before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy();
    builder.pool_max_idle_per_host(0).build().expect("a client")
}

#[tokio::test]
async fn a_cost_holds_what_the_provider_billed() {
    observe();
    // Panics are among the cases: their texts would bury the one that matters.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        if text != Some(clients::PANIC) {
            hook(panic);
        }
    }));
    let plain = unpooled();
    let layer = obs_runtime::interop::reqwest::middleware();
    let watched = ClientBuilder::new(plain.clone()).with(layer).build();
    let http = Http { plain, watched };
    let first = number("OBS_WIRE_SEED").unwrap_or(1);
    let cases = number("OBS_WIRE_CASES").unwrap_or(CASES);
    let (mut exact, mut all_said, mut bounded) = (0, 0, 0);
    for seed in first..first + cases {
        let case = Case::new(seed);
        let outcome = case.run(&http).await;
        all_said += u64::from(outcome.check(&case));
        exact += u64::from(outcome.cost.is_exact());
        bounded += u64::from(!outcome.cost.is_exact() && outcome.cost.at_most.is_some());
    }
    // No sort of them is missing.
    if cases >= CASES {
        let some = |part: u64| part * 10 > cases;
        assert!(
            some(all_said) && some(cases - exact) && some(bounded) && exact >= all_said,
            "of {cases} cases {exact} have an exact cost, {bounded} a bounded one, and of {all_said} all was said"
        );
    }
}
