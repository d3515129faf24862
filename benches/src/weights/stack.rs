//! Stack that a level of recursion takes: the distance of a local variable from that of the caller.

use std::hint::black_box;

/// The same recursions under an attribute.
macro_rules! variant {
    ($name:ident $(, $attribute:meta)?) => {
        mod $name {
            use super::{black_box, here};

            $(#[$attribute])?
            #[inline(never)]
            pub fn plain(depth: u64, deepest: &mut usize) -> u64 {
                let marker = black_box(0u8);
                *deepest = here(&marker);
                if depth == 0 {
                    return 0;
                }
                black_box(plain(black_box(depth - 1), deepest)) + 1
            }

            $(#[$attribute])?
            #[inline(never)]
            pub fn fallible(depth: u64, deepest: &mut usize) -> Result<u64, String> {
                let marker = black_box(0u8);
                *deepest = here(&marker);
                if depth == 0 {
                    return Ok(0);
                }
                let below = fallible(black_box(depth - 1), deepest)?;
                Ok(black_box(below) + 1)
            }
        }
    };
}

variant!(bare);
variant!(obs, obs_runtime::traced);
variant!(fastrace, fastrace::trace);
#[cfg(feature = "peers-heavy")]
variant!(tracing, tracing::instrument(skip_all));

fn here(marker: &u8) -> usize {
    std::ptr::from_ref(marker).addr()
}

/// Bytes a level, from two depths.
fn a_level(run: impl Fn(u64, &mut usize)) -> usize {
    let deepest = |depth| {
        let mut address = 0;
        run(depth, &mut address);
        address
    };
    (deepest(10) - deepest(110)) / 100
}

pub fn print() {
    let mode = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("| stack a level, bytes, {mode} | plain value | `Result` and `?` |");
    println!("|---|---|---|");
    macro_rules! line {
        ($title:literal, $name:ident) => {
            let plain = a_level(|n, at| {
                $name::plain(n, at);
            });
            let fallible = a_level(|n, at| drop($name::fallible(n, at)));
            println!("| {} | {plain} | {fallible} |", $title);
        };
    }
    line!("bare", bare);
    line!("obs", obs);
    line!("fastrace", fastrace);
    #[cfg(feature = "peers-heavy")]
    line!("tracing, `skip_all`", tracing);
}
