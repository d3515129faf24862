#!/usr/bin/env bash
# Instructions per call on the calling thread, by callgrind: the bare loop and the drain are taken off.
# Usage: benches/instructions.sh [ROW]...   (default: every row; CALLS=20000)
#        PROGRAM=metrics benches/instructions.sh   counters and histograms instead of spans
#        PROGRAM=redaction benches/instructions.sh the search for secrets in a text
#        LINES=1 FEATURES=peers-heavy benches/instructions.sh   while log lines show the fields of functions
#        OFF=1 benches/instructions.sh      an annotated library without the feature `record` (tests/library), which
#                                           fails unless every annotated function costs what the bare one costs
set -euo pipefail
cd "$(dirname "$0")"

calls="${CALLS:-20000}"
command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is not installed (apt-get install valgrind)" >&2; exit 1; }
program="${PROGRAM:-spans}"
if [[ -n "${OFF:-}" ]]; then
    program=library
    cd ../tests/library
fi
cargo build --quiet --release ${FEATURES:+--features "$FEATURES"} --bin "$program"
built="$PWD/${CARGO_TARGET_DIR:-target}/release/$program"
[[ "${CARGO_TARGET_DIR:-}" != /* ]] || built="$CARGO_TARGET_DIR/release/$program"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Instructions of CALLS calls: collected only inside counted_burst, in the thread that entered it.
collected() { # ROW VARIANT
    valgrind --tool=callgrind --toggle-collect='*counted_burst*' --callgrind-out-file="$work/out" \
        "$built" --count "$1" "$2" "$calls" >"$work/calls" 2>"$work/log" ||
        { cat "$work/log" >&2; exit 1; }
    awk '/^(summary|totals):/ { print $2; exit }' "$work/out"
}

echo "| row | variant | instructions per call | over bare |"
echo "|---|---|---|---|"
"$built" --list | while read -r row variants; do
    if (($# > 0)) && [[ " $* " != *" $row "* ]]; then continue; fi
    bare=""
    for variant in $variants; do
        sum="$(collected "$row" "$variant")"
        bare="${bare:-$sum}"
        [[ -z "${OFF:-}" || "$sum" == "$bare" ]] || { echo "instructions.sh: $row costs $sum, bare $bare" >&2; exit 1; }
        awk -v r="$row" -v v="$variant" -v s="$sum" -v b="$bare" -v n="$(cat "$work/calls")" \
            'BEGIN { printf "| %s | %s | %.1f | %.1f |\n", r, v, s / n, (s - b) / n }'
    done
done
