//! Parameters that are recorded without being named: the import changes. `skip(…)` asks for the
//! others, as in `tracing`; an attribute without it gets `args`.
//!
//! What is recorded of a search (`-` before, `+` after):
//!
//! ```text
//! - /search tenant="1" query="lamp" page="Page { size: 2 }"
//! + /search tenant=1 query="lamp" page="Page { size: 2 }"
//! - /search/rank weight=0.5 limit="Some(2)"
//! + /search/rank weight=0.5 limit="Some(2)" return="[\"lamp\", \"blue lamp\"]"
//! - /search/rank: info - return="[\"lamp\", \"blue lamp\"]"
//!   /search: debug searched found=2
//! ```
//!
//! `TenantId` is a number by its type; `tracing` goes by the name that is written. `ret` is an
//! attribute of the span, in `tracing` an event.

use obs_runtime::traced as instrument;
use tracing::debug;

pub type TenantId = u32;

#[derive(Debug)]
pub struct Page {
    pub size: usize,
}

pub struct Store {
    pub rows: Vec<(TenantId, &'static str)>,
}

impl Store {
    #[instrument(skip(self))]
    pub fn search(&self, tenant: TenantId, query: &str, page: Page) -> Vec<&'static str> {
        let found = self.rows.iter().filter(|row| row.0 == tenant);
        let found = found.map(|row| row.1).filter(|text| text.contains(query));
        let found: Vec<_> = found.take(page.size).collect();
        debug!(found = found.len(), "searched");
        rank(&found, 0.5, Some(page.size))
    }
}

#[instrument(skip(texts), ret)]
fn rank(texts: &[&'static str], weight: f64, limit: Option<usize>) -> Vec<&'static str> {
    let mut texts = texts.to_vec();
    texts.sort_unstable_by_key(|text| text.len());
    texts
}
