#!/usr/bin/env bash
# The longest chain of async functions, each awaiting the next, whose future the compiler still proves to be Send at the
# default recursion limit: bare, obs, fastrace and tracing.
# Usage: benches/chains.sh
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
unset RUSTFLAGS RUSTC_WRAPPER
export CARGO_TARGET_DIR="$work/target"
source "$root/benches/peers.sh"

make_crate() { # VARIANT
    mkdir -p "$work/$1/src"
    cat >"$work/$1/Cargo.toml" <<END
[workspace]
[package]
name = "chain"
version = "0.0.0"
edition = "2024"
[dependencies]
$(dependency "$1")
END
    cp "$root/rust-toolchain.toml" "$work/$1/"
}

write_chain() { # VARIANT KIND LENGTH
    awk -v n="$3" -v kind="$2" -v attribute="$(attribute "$1")" 'BEGIN {
        print "fn send<T: Send>(_: T) {}"
        for (i = 1; i <= n; i++) {
            if (attribute != "") print attribute
            last = i == n
            if (kind == "plain") printf "pub async fn step_%d(x: u64) -> u64 { %s }\n", i, last ? "std::future::ready(()).await; x" : "step_" (i + 1) "(x).await"
            else printf "pub async fn step_%d(x: u64) -> Result<u64, String> { %s }\n", i, last ? "std::future::ready(()).await; Ok(x)" : "Ok(step_" (i + 1) "(x).await?)"
        }
        print "fn main() { send(step_1(1)); }"
    }' >"$work/$1/src/main.rs"
}

compiles() { # VARIANT KIND LENGTH
    write_chain "$@"
    cargo check --quiet --manifest-path "$work/$1/Cargo.toml" 2>"$work/log"
}

longest() { # VARIANT KIND
    local low=1 high=64 middle
    compiles "$1" "$2" 1 || { cat "$work/log" >&2; exit 1; }
    while ((high - low > 1)); do
        middle=$(((low + high) / 2))
        if compiles "$1" "$2" "$middle"; then low=$middle; else high=$middle; fi
    done
    echo "$low"
}

echo "| longest chain that is proved to be Send | plain value | \`Result\` and \`?\` |"
echo "|---|---|---|"
for variant in $VARIANTS; do
    make_crate "$variant"
    plain="$(longest "$variant" plain)"
    fallible="$(longest "$variant" fallible)"
    echo "| $variant | $plain | $fallible |"
done
