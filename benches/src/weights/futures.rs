//! Sizes of futures: they do not depend on the build mode.

use std::hint::black_box;
use std::mem::size_of_val;

const KIB: usize = 1024;

/// The same functions under an attribute.
macro_rules! variant {
    ($name:ident $(, $attribute:meta)?) => {
        mod $name {
            use super::{KIB, tick};

            $(#[$attribute])?
            pub async fn small(x: u64) -> u64 {
                tick().await;
                x
            }

            $(#[$attribute])?
            pub async fn three(a: String, b: [u64; 8], c: u64) -> usize {
                tick().await;
                a.len() + b.len() + c as usize
            }

            $(#[$attribute])?
            pub async fn large_argument(x: [u8; 4 * KIB]) -> u8 {
                tick().await;
                x[0]
            }

            $(#[$attribute])?
            pub async fn large_local() -> u8 {
                let x = super::black_box([1u8; 4 * KIB]);
                tick().await;
                x[0]
            }

            $(#[$attribute])?
            pub async fn outer() -> u8 {
                large_local().await
            }

            pub fn sizes() -> [usize; 5] {
                use super::size_of_val;
                [
                    size_of_val(&small(1)),
                    size_of_val(&three(String::new(), [0; 8], 1)),
                    size_of_val(&large_argument([0; 4 * KIB])),
                    size_of_val(&large_local()),
                    size_of_val(&outer()),
                ]
            }
        }
    };
}

async fn tick() {
    std::future::ready(()).await;
}

variant!(bare);
variant!(obs, obs_runtime::traced);
variant!(fastrace, fastrace::trace);
#[cfg(feature = "peers-heavy")]
variant!(tracing, tracing::instrument(skip_all));

pub fn print() {
    println!(
        "| future, bytes | one argument | three | 4 KiB argument | 4 KiB local | call of the former |"
    );
    println!("|---|---|---|---|---|---|");
    line("bare", bare::sizes());
    line("obs", obs::sizes());
    line("fastrace", fastrace::sizes());
    #[cfg(feature = "peers-heavy")]
    line("tracing, `skip_all`", tracing::sizes());
}

fn line(name: &str, sizes: [usize; 5]) {
    println!("| {name} | {} |", sizes.map(|s| s.to_string()).join(" | "));
}
