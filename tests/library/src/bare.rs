//! The functions as they are.

use std::future::Future;

use crate::body;
use crate::executor::Yield;

#[inline(never)]
pub fn guard(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
pub fn fields(x: u64, tenant: &str) -> u64 {
    body(x ^ tenant.len() as u64)
}

pub struct Store {
    pub opened: u64,
}

impl Store {
    #[inline(never)]
    pub fn add(&mut self, x: u64) -> u64 {
        self.opened += body(x);
        self.opened
    }
}

#[inline(never)]
pub fn fallible(x: u64) -> Result<u64, u32> {
    let halved = half(x)?;
    Ok(body(halved))
}

#[inline(never)]
fn half(x: u64) -> Result<u64, u32> {
    if x % 2 == 0 { Ok(x / 2) } else { Err(7) }
}

pub async fn future(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}

pub async fn future_fields(x: u64, tenant: &str) -> u64 {
    body(x ^ tenant.len() as u64)
}

pub async fn future_fallible(x: u64) -> Result<u64, u32> {
    Yield(1).await;
    let halved = half(x)?;
    Ok(body(halved))
}

pub fn opaque(x: u64) -> impl Future<Output = u64> {
    let y = body(x);
    async move { body(y) }
}
