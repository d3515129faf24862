//! `skip_all` with the fields that are wanted, and `err`: the attribute that public code uses most.

use tracing::{info, instrument};

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
