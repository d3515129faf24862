//! Equal leaves as one line: `leaf × 300  1.20 to 3.40 ms`.

use std::collections::HashMap;

use super::row::Row;
use crate::terminal::text::durations;
use crate::trace::Outcome;

/// From how many on equal leaves are one line.
const MANY: usize = 5;

/// What one line of a tree shows: a row, or several equal leaves.
pub(super) struct Item(Vec<usize>);

impl Item {
    pub(super) fn one(row: usize) -> Self {
        Self(vec![row])
    }

    /// Returns the row that stands for all.
    pub(super) fn first(&self) -> usize {
        self.0[0]
    }

    pub(super) fn rows(&self) -> &[usize] {
        &self.0
    }

    pub(super) fn name(&self, rows: &[Row]) -> String {
        let name = &rows[self.first()].name;
        match self.0.len() {
            1 => name.clone(),
            n => format!("{name} × {n}"),
        }
    }

    /// Returns how long it took, or from how long to how long.
    pub(super) fn time(&self, rows: &[Row]) -> String {
        let all = || self.0.iter().map(|row| rows[*row].duration());
        durations(all().min().unwrap_or(0), all().max().unwrap_or(0))
    }

    /// Returns when the first began and when the last ended.
    pub(super) fn span(&self, rows: &[Row]) -> (u64, u64) {
        let begin = self.0.iter().map(|row| rows[*row].start).min();
        let end = self.0.iter().map(|row| rows[*row].end).max();
        (begin.unwrap_or(0), end.unwrap_or(0))
    }
}

/// Folds siblings: leaves of one name that went well are one line where the first of them began.
pub(super) fn fold(siblings: &[usize], rows: &[Row], is_leaf: impl Fn(usize) -> bool) -> Vec<Item> {
    let folds =
        |row: usize| is_leaf(row) && rows[row].outcome == Outcome::Ok && rows[row].error.is_empty();
    let mut equal: HashMap<&str, usize> = HashMap::new();
    for row in siblings.iter().filter(|row| folds(**row)) {
        *equal.entry(&rows[*row].name).or_default() += 1;
    }
    let mut items: Vec<Item> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for row in siblings {
        let name = rows[*row].name.as_str();
        if !folds(*row) || equal.get(name).is_none_or(|n| *n < MANY) {
            items.push(Item::one(*row));
        } else if let Some(place) = places.get(name) {
            items[*place].0.push(*row);
        } else {
            places.insert(name, items.len());
            items.push(Item::one(*row));
        }
    }
    items
}
