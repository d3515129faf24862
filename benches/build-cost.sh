#!/usr/bin/env bash
# What 500 annotated functions cost to build, and what they weigh: bare, obs, fastrace and tracing side by side.
# Each variant is the same crate: async functions of two arguments in chains of ten, dependencies built before. Printed:
# user CPU seconds of building the crate again after a touch (debug without incremental state, then release), and the size
# of the stripped release binary; each with its ratio to fastrace, and what it adds to bare.
# Usage: benches/build-cost.sh [REPEATS]   (default 3: the median is printed; FUNCTIONS=500)
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
repeats="${1:-3}"
functions="${FUNCTIONS:-500}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
unset RUSTFLAGS RUSTC_WRAPPER CARGO_TARGET_DIR

source "$root/benches/peers.sh"

make_crate() { # VARIANT
    local dir="$work/$1" attribute
    attribute="$(attribute "$1")"
    mkdir -p "$dir/src"
    cat >"$dir/Cargo.toml" <<END
[workspace]
[package]
name = "cost"
version = "0.0.0"
edition = "2024"
[profile.release]
strip = true
[dependencies]
$(dependency "$1")
END
    cp "$root/rust-toolchain.toml" "$dir/"
    awk -v n="$functions" -v attribute="$attribute" 'BEGIN {
        print "use std::num::ParseIntError;"
        print "use std::task::{Context, Poll, Waker};"
        for (i = 0; i < n; i++) {
            if (attribute != "") print attribute
            printf "pub async fn step_%d(base: u64, text: &str) -> Result<u64, ParseIntError> {\n", i
            print "    let parsed: u64 = text.parse()?;"
            if (i % 10 == 9) print "    std::future::ready(()).await;\n    Ok(parsed.wrapping_add(base))"
            else printf "    Ok(step_%d(base ^ parsed, text).await?.wrapping_mul(%d))\n", i + 1, 2 * i + 3
            print "}"
        }
        print "fn block_on<T>(future: impl Future<Output = T>) -> T {"
        print "    let mut future = std::pin::pin!(future);"
        print "    loop {"
        print "        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {"
        print "            return value;\n        }\n    }\n}"
        print "fn main() {\n    let mut sum = 0u64;"
        for (i = 0; i < n; i += 10) printf "    sum ^= block_on(step_%d(sum, \"%d\")).unwrap_or(0);\n", i, i
        print "    println!(\"{sum}\");\n}"
    }' >"$dir/src/main.rs"
}

user_seconds() { # VARIANT CARGO-ARGUMENTS...: builds the crate again
    local dir="$work/$1"
    shift
    touch "$dir/src/main.rs"
    TIMEFORMAT='%U'
    { time cargo build --quiet --offline --manifest-path "$dir/Cargo.toml" "$@" 2>"$work/log"; } 2>&1 ||
        { cat "$work/log" >&2; exit 1; }
}

for variant in $VARIANTS; do
    make_crate "$variant"
    cargo fetch --quiet --manifest-path "$work/$variant/Cargo.toml"
    CARGO_INCREMENTAL=0 cargo build --quiet --manifest-path "$work/$variant/Cargo.toml"
    cargo build --quiet --release --manifest-path "$work/$variant/Cargo.toml"
done

# Variants take turns, so that a busy minute of the machine meets all of them.
for ((round = 0; round < repeats; round++)); do
    for variant in $VARIANTS; do
        CARGO_INCREMENTAL=0 user_seconds "$variant" >>"$work/$variant.debug"
        user_seconds "$variant" --release >>"$work/$variant.release"
    done
done

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
for variant in $VARIANTS; do
    echo "$variant $(median "$work/$variant.debug") $(median "$work/$variant.release") $(stat -c %s "$work/$variant/target/release/cost")"
done | awk -v n="$functions" '
    { name[NR] = $1; d[$1] = $2; r[$1] = $3; s[$1] = $4 }
    function x(v) { return sprintf("%.2f", v) }
    END {
        printf "| %d functions | debug rebuild, user s | x fastrace | release rebuild, user s | x fastrace | stripped, KiB | over bare | over bare, x fastrace |\n|---|---|---|---|---|---|---|---|\n", n
        for (i = 1; i <= NR; i++) {
            v = name[i]; over = s[v] - s["bare"]
            printf "| %s | %s | %s | %s | %s | %d | %d | %s |\n", v, x(d[v]), x(d[v] / d["fastrace"]), x(r[v]), x(r[v] / r["fastrace"]), s[v] / 1024, over / 1024, x(over / (s["fastrace"] - s["bare"]))
        }
    }'
