//! `skip_all`, `fields(…)` and `err`: the import changes.
//!
//! What is recorded of an order that is placed and of one that is refused (`-` before, `+` after):
//!
//! ```text
//!   /place order.id=7 customer="Ada"
//! - /place order.id=7 customer="Ada", error _OTHER: no lamp in stock
//! + /place order.id=7 customer="Ada", error alloc::string::String: no lamp in stock
//!   /place/stock.reserve item="kettle"
//! - /place/stock.reserve item="lamp", error _OTHER: no lamp in stock
//! + /place/stock.reserve item="lamp", error alloc::string::String: no lamp in stock
//! - /place/stock.reserve: error - error="no lamp in stock"
//! + /place/stock.reserve: warn - exception.type="alloc::string::String" exception.message="no lamp in stock"
//! - /place: error - error="no lamp in stock"
//! + /place: error - exception.type="alloc::string::String" exception.message="no lamp in stock"
//!   /place: info placed shelf=0
//! ```
//!
//! `err` is an event of every function that the error leaves, in `tracing`. Here it is one exception,
//! of severity `warn`, and one record of severity `error` where nobody is left to handle it. The
//! type of the error is known. A `level` is decided by `OBS_LEVEL`, not by the subscriber's filter.

use obs_runtime::traced as instrument;
use tracing::info;

pub struct Order {
    pub id: u64,
    pub customer: &'static str,
    pub item: &'static str,
}

#[instrument(skip_all, fields(order.id = order.id, customer = %order.customer), err)]
pub async fn place(order: &Order, stock: &[&str]) -> Result<usize, String> {
    let shelf = reserve(order.item, stock).await?;
    info!(shelf, "placed");
    Ok(shelf)
}

#[instrument(name = "stock.reserve", level = "debug", skip_all, fields(%item), err)]
async fn reserve(item: &str, stock: &[&str]) -> Result<usize, String> {
    tokio::task::yield_now().await;
    let found = stock.iter().position(|known| *known == item);
    found.ok_or_else(|| format!("no {item} in stock"))
}
