use super::*;

fn pico(provider: &str, model: &str, usage: Usage) -> Result<i128, Unpriced> {
    let pricer = Pricer::default();
    pricer
        .price(provider, model, None, &usage)
        .map(Usd::picodollars)
}

#[test]
fn prices_of_the_list_are_exact() {
    // 0.15 and 0.60 dollars for a million tokens.
    assert_eq!(
        pico("openai", "gpt-4o-mini", Usage::new(1_000, 100)),
        Ok(210_000_000)
    );
    assert_eq!(pico("openai", "gpt-4o-mini", Usage::new(1, 0)), Ok(150_000));
    // 2.50 and 10.
    assert_eq!(
        pico("openai", "gpt-4o", Usage::new(1_000, 100)),
        Ok(3_500_000_000)
    );
    // 1.25 for cached input.
    assert_eq!(
        pico("openai", "gpt-4o", Usage::new(1_000, 0).cache_read(600)),
        Ok(1_750_000_000)
    );
    // 0.02, and no output.
    assert_eq!(
        pico("openai", "text-embedding-3-small", Usage::input(1_000)),
        Ok(20_000_000)
    );
    // Input 3, output 15, cache read 0.30, cache write 3.75.
    assert_eq!(
        pico(
            "anthropic",
            "claude-sonnet-4-0",
            Usage::new(100, 10).cached_apart(1_000, 200)
        ),
        Ok(300_000_000 + 150_000_000 + 300_000_000 + 750_000_000)
    );
}

#[test]
fn a_dated_name_has_the_price_of_its_model() {
    let usage = Usage::new(1_000_000, 0);
    let mini = pico("openai", "gpt-4o-mini-2024-07-18", usage);
    assert_eq!(mini, Ok(150_000_000_000));
    assert_ne!(mini, pico("openai", "gpt-4o", usage));
}

#[test]
fn names_of_the_conventions_reach_the_price_list() {
    for (convention, listed, model) in [
        ("gcp.gemini", "google", "gemini-2.5-flash"),
        ("gcp.vertex_ai", "google", "gemini-2.5-flash"),
        ("mistral_ai", "mistral", "mistral-large-latest"),
        ("x_ai", "x-ai", "grok-4"),
        ("azure.ai.openai", "azure", "gpt-4o"),
        ("aws.bedrock", "aws", "amazon.nova-lite-v1:0"),
        ("moonshot_ai", "moonshotai", "kimi-k2-0905-preview"),
    ] {
        let usage = Usage::new(1_000, 1_000);
        let price = pico(convention, model, usage);
        assert!(
            price.is_ok_and(|p| p > 0),
            "{convention} {model}: {price:?}"
        );
        assert_eq!(price, pico(listed, model, usage));
    }
}

#[test]
fn what_has_no_price_says_so() {
    let usage = Usage::new(1_000, 100);
    let unknown = Err(Unpriced::UnknownModel);
    assert_eq!(pico("openai", "gpt-99-imaginary", usage), unknown);
    // The same name elsewhere is another product.
    assert_eq!(pico("builtin", "gpt-4o-mini", usage), unknown);
    assert_eq!(pico("", "", usage), unknown);
    // Listed, but without prices.
    assert_eq!(pico("github-copilot", "gpt-4o", usage), unknown);
    // Listed as free.
    assert_eq!(pico("openrouter", "deepseek-r1:free", usage), Ok(0));
    // An embedding model has no price for output.
    assert_eq!(pico("openai", "text-embedding-3-small", usage), unknown);
    assert_eq!(
        pico("openai", "gpt-4o", Usage::new(10, 0).cache_read(11)),
        Err(Unpriced::InvalidUsage)
    );
}

#[test]
fn own_prices_come_first() {
    let pricer = Pricer::new(
        Prices::new()
            .price("house", 0.5, 1.5)
            .price("gpt-4o", 1.0, 2.0)
            .price_for(
                "azure.ai.openai",
                "gpt-4o",
                ModelPrice::per_million(4.0, 8.0).cache_read(1.0),
            ),
    );
    let price = |provider, requested, answered, usage| {
        pricer
            .price(provider, requested, answered, &usage)
            .map(Usd::picodollars)
    };
    assert_eq!(
        price("any", "house", None, Usage::new(2_000, 10)),
        Ok(1_015_000_000)
    );
    assert_eq!(
        price("openai", "gpt-4o", None, Usage::new(1, 1)),
        Ok(3_000_000)
    );
    // The model that answered is dated: the user's price of the one that was asked for counts.
    assert_eq!(
        price(
            "openai",
            "gpt-4o",
            Some("gpt-4o-2024-08-06"),
            Usage::new(1, 1)
        ),
        Ok(3_000_000)
    );
    assert_eq!(
        price(
            "azure.ai.openai",
            "gpt-4o",
            None,
            Usage::new(10, 1).cache_read(4)
        ),
        Ok(6 * 4_000_000 + 4_000_000 + 8_000_000)
    );
    assert_eq!(
        price("any", "house", None, Usage::new(1, 0).cache_read(2)),
        Err(Unpriced::InvalidUsage)
    );
}

#[test]
fn the_model_that_answered_decides() {
    let pricer = Pricer::default();
    let usage = Usage::new(1_000_000, 0);
    // An Azure deployment has a name of its own.
    let price = pricer.price("openai", "our-deployment", Some("gpt-4o-mini"), &usage);
    assert_eq!(price.map(Usd::picodollars), Ok(150_000_000_000));
    let price = pricer.price("openai", "gpt-4o-mini", Some("gpt-4o-mini-secret"), &usage);
    assert_eq!(price.map(Usd::picodollars), Ok(150_000_000_000));
    assert!(pricer.is_unknown("openai", "gpt-4o-mini-secret"));
    assert!(!pricer.is_unknown("openai", "gpt-4o-mini"));
}

#[test]
fn a_million_small_prices_add_up_exactly() {
    let tenth = Usd::from_f64(0.1).unwrap();
    let sum: Usd = std::iter::repeat_n(tenth, 1_000_000).sum();
    assert_eq!(sum.to_string(), "100000.00");
    assert_eq!(sum.as_f64().to_bits(), 100_000f64.to_bits());
}

#[test]
fn amounts_are_written_with_their_digits() {
    let text = |v| Usd::from_f64(v).unwrap().to_string();
    assert_eq!(text(0.0), "0.00");
    assert_eq!(text(1.5), "1.50");
    assert_eq!(text(0.000_210), "0.00021");
    assert_eq!(text(1e-12), "0.000000000001");
    assert_eq!(format!("{:.4}", Usd::from_f64(0.000_26).unwrap()), "0.0003");
    for bad in [f64::NAN, f64::INFINITY, -1.0, 1e19] {
        assert_eq!(Usd::from_f64(bad), None);
    }
}
