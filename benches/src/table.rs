//! Measurements as a markdown table.

use std::fmt::Write as _;

use crate::harness::{Measured, Row, median};

/// The head of the table; ratios are given to the variant `reference`.
pub fn head(reference: &str) -> String {
    format!(
        "| row | variant | ns/call median [min..max] | added ns | x {reference} median [min..max] | allocs | bytes |\n\
         |---|---|---|---|---|---|---|\n",
    )
}

/// The lines of one row.
pub fn lines(row: &Row, measured: &[Measured], reference: &str) -> String {
    let mut out = String::new();
    let bare = &measured[0];
    let reference = measured.iter().find(|m| m.name == reference);
    for m in measured {
        let added = pairwise(m, bare, |a, b| a - b);
        let ratio =
            reference.map_or_else(|| "-".into(), |r| spread(&pairwise(m, r, |a, b| a / b), 2));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.1} | {ratio} | {:.2} | {:.0} |",
            row.title,
            m.name,
            spread(&m.nanos, 1),
            median(&added),
            m.allocations,
            m.bytes,
        );
    }
    out
}

/// One value per round: both operands come from the same round.
fn pairwise(a: &Measured, b: &Measured, op: fn(f64, f64) -> f64) -> Vec<f64> {
    a.nanos
        .iter()
        .zip(&b.nanos)
        .map(|(a, b)| op(*a, *b))
        .collect()
}

fn spread(values: &[f64], digits: usize) -> String {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!(
        "{:.digits$} [{min:.digits$}..{max:.digits$}]",
        median(values)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let of = |name, nanos: [f64; 2]| Measured {
            name,
            nanos: nanos.into(),
            allocations: 0.0,
            bytes: 0.0,
        };
        let row = Row {
            name: "r",
            title: "sync",
            variants: vec![],
        };
        let text = lines(
            &row,
            &[
                of("bare", [1.0, 2.0]),
                of("fastrace", [10.0, 20.0]),
                of("obs", [5.0, 10.0]),
            ],
            "fastrace",
        );
        assert!(
            text.ends_with(
                "| sync | obs | 7.5 [5.0..10.0] | 6.0 | 0.50 [0.50..0.50] | 0.00 | 0 |\n"
            ),
            "{text}"
        );
    }
}
