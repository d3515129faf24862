//! What `counter!`, `gauge!` and `histogram!` do not take.
use obs_runtime::{counter, gauge, histogram};

fn main() {
    counter!().inc();
    counter!("my orders").inc();
    counter!(3, region = "eu").inc();
    counter!(region = "eu").inc();
    counter!(format!("orders_{}", 1)).inc();
    counter!("orders", 3).inc();
    counter!("orders", shop.region).inc();
    counter!("orders", "my region" = "eu").inc();
    gauge!("level", region = "eu", region = "us").set(1);
    gauge!("level", shop.region = "eu", shop_region = "us").set(1);
    gauge!("level", __region = "eu").set(1);
    histogram!("seconds", le = "1").observe(1);
}
