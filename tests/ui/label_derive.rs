//! What `#[derive(Label)]` does not take.
use obs_runtime::Label;

#[derive(Label)]
struct Region {
    name: &'static str,
}

#[derive(Label)]
enum Empty {}

#[derive(Label)]
enum Status {
    Ok,
    Failed(u16),
    Other { code: u16 },
}

#[derive(Label)]
enum Same {
    EuWest,
    #[label(name = "eu_west")]
    Europe,
    #[label(name = "")]
    None,
}

#[derive(Label)]
#[label(rename_all = "snake")]
enum Arguments {
    #[label(nmae = "a")]
    A,
    #[label(name)]
    B,
    #[label(name = 3)]
    C,
    #[label(rename_all = "lowercase")]
    D,
    #[label(name = "e", name = "f")]
    E,
    #[label = "g"]
    F,
}

fn main() {}
