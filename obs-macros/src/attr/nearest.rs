//! "Did you mean …?": the known word that a misspelled one is most like.

/// The known word that is most like `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .map(|k| (distance(word, k), k))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Whether a word can only be a slip of the pen for another: two neighbours are exchanged, or one
/// letter of five or more is another. A plural is no slip, and neither is another number.
pub(crate) fn is_slip(word: &str, meant: &str) -> bool {
    let (word, meant): (Vec<char>, Vec<char>) = (word.chars().collect(), meant.chars().collect());
    if word.len() != meant.len() {
        return false;
    }
    let differ: Vec<usize> = (0..word.len()).filter(|&i| word[i] != meant[i]).collect();
    match *differ {
        [i] => word.len() >= 5 && word[i].is_alphabetic() && meant[i].is_alphabetic(),
        // Short names are like each other by chance.
        [i, j] => word.len() > 2 && j == i + 1 && word[i] == meant[j] && word[j] == meant[i],
        _ => false,
    }
}

/// Edits between two words, where exchanging two neighbours is one edit.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
#[path = "nearest_tests.rs"]
mod tests;
