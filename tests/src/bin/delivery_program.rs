//! Programs that end in one way or another, for `tests/delivery*.rs`. The environment says where data goes.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::cell::RefCell;
use std::io::BufRead as _;
use std::process;

use obs_runtime::{Error, Observability, traced};

#[traced]
fn work() {}

#[traced(fields(n))]
fn step(n: u64) {
    std::hint::black_box(n);
}

fn install() -> Result<Observability, Error> {
    Observability::builder().service_name("delivery").install()
}

/// Records when its thread ends.
struct AtThreadEnd;

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        work();
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
}

/// Ten spans and a flush for each line of input; says how many spans are safe and how many wait on disk.
fn steps(first: u64) -> Result<(), Error> {
    let obs = install()?;
    let mut n = first;
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        for _ in 0..10 {
            step(n);
            n += 1;
        }
        let safe = obs.force_flush().is_ok();
        let exporter = &obs.stats().spans.exporters[0];
        if safe {
            println!("{n} {}", exporter.spooled + exporter.in_flight);
        }
    }
    obs.shutdown()
}

fn in_runtime(mut builder: tokio::runtime::Builder) -> Result<(), Error> {
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let obs = install()?;
        work();
        obs.force_flush()?;
        tokio::spawn(async { work() }).await.expect("no panic");
        drop(obs);
        Ok(())
    })
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    match args.next().unwrap_or_default().as_str() {
        "drop" => {
            let _obs = install()?;
            work();
        }
        "exit" => {
            let _obs = install()?;
            work();
            process::exit(3);
        }
        "exit-elsewhere" => {
            let _obs = install()?;
            work();
            // Nobody joins it: it ends the process, and this thread with it.
            std::thread::spawn(|| process::exit(3));
            loop {
                std::thread::park();
            }
        }
        "forget" => {
            std::mem::forget(install()?);
            work();
        }
        "twice" => {
            let first = install()?;
            work();
            drop(first);
            let _second = install()?;
            work();
        }
        "panic" => {
            let _obs = install()?;
            work();
            panic!("the end");
        }
        "panic-aborts" => {
            std::panic::set_hook(Box::new(|_| process::abort()));
            let _obs = Observability::builder().flush_on_panic(true).install()?;
            work();
            panic!("the end");
        }
        "thread-end" => {
            let _obs = install()?;
            let thread = std::thread::spawn(|| {
                AT_END.set(Some(AtThreadEnd));
                work();
            });
            thread.join().expect("no panic");
        }
        "current-thread" => in_runtime(tokio::runtime::Builder::new_current_thread())?,
        "multi-thread" => in_runtime(tokio::runtime::Builder::new_multi_thread())?,
        "steps" => {
            let first = args.next().and_then(|n| n.parse().ok());
            steps(first.unwrap_or_default())?;
        }
        other => panic!("{other:?} is none of this program's endings"),
    }
    Ok(())
}
