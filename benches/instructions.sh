#!/usr/bin/env bash
# Instructions per call on the calling thread, by callgrind: the bare loop and the drain are taken off. "Over bare" is over
# the first variant of a row, which is the bare function but for the rows of model calls.
# Usage: benches/instructions.sh [ROW]...   (default: every row; CALLS=20000)
#        benches/instructions.sh --check    compares obs with the upper bounds in instructions.txt; a step of scripts/check
#        PROGRAM=metrics benches/instructions.sh   counters and histograms instead of spans
#        PROGRAM=redaction benches/instructions.sh the search for secrets in a text
#        FEATURES=llm PROGRAM=calls benches/instructions.sh    `#[llm_call]` over `#[traced]` (with --check too)
#        LINES=1 FEATURES=peers-heavy benches/instructions.sh   while log lines show the fields of functions
#        OFF=1 benches/instructions.sh      an annotated library without the feature `record` (tests/library), which
#                                           fails unless every annotated function costs what the bare one costs
set -euo pipefail
cd "$(dirname "$0")"

check=""
if [[ "${1:-}" == --check ]]; then
    check=1
    shift
    CALLS="${CALLS:-4000}"
fi
calls="${CALLS:-20000}"
command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is not installed (apt-get install valgrind)" >&2; exit 1; }
program="${PROGRAM:-spans}"
if [[ -n "${OFF:-}" ]]; then
    program=library
    cd ../tests/library
fi
# Of the peers nothing is checked, and their build would take minutes.
cargo build --quiet --release ${check:+--no-default-features} ${FEATURES:+--features "$FEATURES"} --bin "$program"
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

# Instructions over bare that a variant may take; nothing if the table has no such row.
bound_of() { # ROW VARIANT
    awk -v r="$1" -v v="$2" '$1 == r && $2 == v { print $3 }' instructions.txt
}

echo "| row | variant | instructions per call | over bare |${check:+ at most |}"
echo "|---|---|---|---|${check:+---|}"
above=0
rows="$("$built" --list)"
[[ -n "$rows" ]] || { echo "instructions.sh: $program lists no rows" >&2; exit 1; }
while read -r row variants; do
    if (($# > 0)) && [[ " $* " != *" $row "* ]]; then continue; fi
    bare=""
    for variant in $variants; do
        sum="$(collected "$row" "$variant")"
        bare="${bare:-$sum}"
        [[ -z "${OFF:-}" || "$sum" == "$bare" ]] || { echo "instructions.sh: $row costs $sum, bare $bare" >&2; exit 1; }
        bound="${check:+$(bound_of "$row" "$variant")}"
        if [[ -n "$check" && "$variant" != "${variants%% *}" && -z "$bound" ]]; then
            echo "instructions.sh: instructions.txt has no bound for $row $variant" >&2
            exit 1
        fi
        awk -v r="$row" -v v="$variant" -v s="$sum" -v b="$bare" -v n="$(cat "$work/calls")" -v most="$bound" \
            -v check="$check" 'BEGIN {
                printf "| %s | %s | %.1f | %.1f |", r, v, s / n, (s - b) / n
                print check ? " " most " |" : ""
                exit most != "" && (s - b) / n > most
            }' || above=$((above + 1))
    done
done <<<"$rows"
if ((above > 0)); then
    echo "instructions.sh: $above rows take more instructions than instructions.txt allows" >&2
    exit 1
fi
