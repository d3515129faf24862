//! What a newcomer writes first: nothing is configured, or the guard is not kept.

use obs_runtime::{Observability, traced};

#[traced]
fn hello() {}

#[obs_runtime::main]
fn unconfigured() {
    hello();
}

fn dropped() -> Result<(), obs_runtime::Error> {
    let _ = Observability::builder().install()?;
    hello();
    hello();
    Ok(())
}

fn kept() -> Result<(), obs_runtime::Error> {
    let obs = Observability::builder().install()?;
    hello();
    drop(obs);
    hello();
    Ok(())
}

fn idle() -> Result<(), obs_runtime::Error> {
    let _ = Observability::builder().install()?;
    Ok(())
}

fn main() -> Result<(), obs_runtime::Error> {
    match std::env::args().nth(1).as_deref() {
        Some("dropped") => dropped(),
        Some("kept") => kept(),
        Some("idle") => idle(),
        _ => {
            unconfigured();
            Ok(())
        }
    }
}
