//! The functions of `bare`, annotated.

use std::future::Future;

use crate::body;
use crate::executor::Yield;
use obs_runtime::traced;

#[inline(never)]
#[traced(labels(even = x % 2 == 0), track_concurrency)]
pub fn guard(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
#[traced(args, fields(shout = tenant.to_uppercase(), late))]
pub fn fields(x: u64, tenant: &str) -> u64 {
    body(x ^ tenant.len() as u64)
}

pub struct Store {
    pub opened: u64,
}

impl Store {
    #[inline(never)]
    #[traced(fields(self.opened, x = format!("{x}")))]
    pub fn add(&mut self, x: u64) -> u64 {
        self.opened += body(x);
        self.opened
    }
}

#[inline(never)]
#[traced(err(Debug, level = "warn"), ret, track_concurrency)]
pub fn fallible(x: u64) -> Result<u64, u32> {
    let halved = half(x)?;
    Ok(body(halved))
}

#[inline(never)]
fn half(x: u64) -> Result<u64, u32> {
    if x % 2 == 0 { Ok(x / 2) } else { Err(7) }
}

#[traced(timings, track_concurrency, labels(even = x % 2 == 0))]
pub async fn future(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}

#[traced(fields(x, tenant))]
pub async fn future_fields(x: u64, tenant: &str) -> u64 {
    body(x ^ tenant.len() as u64)
}

#[traced(ok_if = |v| v.is_ok())]
pub async fn future_fallible(x: u64) -> Result<u64, u32> {
    Yield(1).await;
    let halved = half(x)?;
    Ok(body(halved))
}

#[traced]
pub fn opaque(x: u64) -> impl Future<Output = u64> {
    let y = body(x);
    async move { body(y) }
}
