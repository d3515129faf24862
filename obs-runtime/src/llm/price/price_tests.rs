use super::*;

use crate::llm::usage::Usage;

/// The price of an answer, if it is exact, and else why not.
fn price(pricer: &Pricer, asked: (&str, &str), answer: &LlmResponse) -> Result<i128, String> {
    let priced = pricer.price(asked, answer, AttemptEnd::Answered, Bounds::default());
    let cost = priced.cost;
    cost.exact().map(Usd::picodollars).ok_or(cost.to_string())
}

fn pico(provider: &str, model: &str, usage: Usage) -> Result<i128, String> {
    let answer = LlmResponse::new().usage(usage.nothing_else());
    price(&Pricer::default(), (provider, model), &answer)
}

fn unknown(reason: Reason) -> Result<i128, String> {
    Err(Cost::unknown(reason).to_string())
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
            Usage::new(100, 10)
                .cached_apart(1_000, 200)
                .cache_write_5m(200)
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
            price.clone().is_ok_and(|p| p > 0),
            "{convention} {model}: {price:?}"
        );
        assert_eq!(price, pico(listed, model, usage));
    }
}

#[test]
fn what_has_no_price_says_so() {
    let usage = Usage::new(1_000, 100);
    let unpriced = || unknown(Reason::UnpricedModel);
    assert_eq!(pico("openai", "gpt-99-imaginary", usage), unpriced());
    // The same name elsewhere is another product.
    assert_eq!(pico("builtin", "gpt-4o-mini", usage), unpriced());
    assert_eq!(pico("", "", usage), unpriced());
    // Listed, but without prices.
    assert_eq!(pico("github-copilot", "gpt-4o", usage), unpriced());
    // Listed as free.
    assert_eq!(pico("openrouter", "deepseek-r1:free", usage), Ok(0));
    // An embedding model has no price for output.
    let output = pico("openai", "text-embedding-3-small", usage).unwrap_err();
    assert_eq!(output, "at least $0.00002 (unpriced_unit, unbounded)");
    // More is cached than there is: between the price of ten cached tokens, and that of ten beside eleven.
    let cached = pico("openai", "gpt-4o", Usage::new(10, 0).cache_read(11));
    assert_eq!(
        cached.unwrap_err(),
        "$0.0000125 to $0.00003875 (invalid_usage)"
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
    let price = |provider, requested, answered: Option<&str>, usage| {
        let mut answer = LlmResponse::new().usage(usage);
        answer.model = answered.map(str::to_owned);
        price(&pricer, (provider, requested), &answer)
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
    let dated = Some("gpt-4o-2024-08-06");
    assert_eq!(
        price("openai", "gpt-4o", dated, Usage::new(1, 1)),
        Ok(3_000_000)
    );
    let cached = Usage::new(10, 1).cache_read(4);
    assert_eq!(
        price("azure.ai.openai", "gpt-4o", None, cached),
        Ok(6 * 4_000_000 + 4_000_000 + 8_000_000)
    );
}

#[test]
fn the_model_that_answered_decides() {
    let pricer = Pricer::default();
    let usage = Usage::new(1_000_000, 0);
    // An Azure deployment has a name of its own.
    for (requested, answered) in [
        ("our-deployment", "gpt-4o-mini"),
        ("gpt-4o-mini", "gpt-4o-mini-secret"),
    ] {
        let answer = LlmResponse::new()
            .usage(usage.nothing_else())
            .model(answered);
        let found = price(&pricer, ("openai", requested), &answer);
        assert_eq!(found, Ok(150_000_000_000), "{requested}");
    }
}

#[test]
fn a_model_is_looked_for_once() {
    let pricer = Pricer::default();
    let answer = LlmResponse::new().usage(Usage::new(1, 1).nothing_else());
    for _ in 0..3 {
        price(&pricer, ("openai", "gpt-4o"), &answer).unwrap();
        price(&pricer, ("openai", "nobody-knows"), &answer).unwrap_err();
    }
    assert_eq!(pricer.found.lock().unwrap().len(), 2);
    for n in 0..MAX_MODELS {
        let answer = answer.clone().model(format!("m{n}"));
        let _ = price(&pricer, ("nobody", ""), &answer);
    }
    assert_eq!(pricer.found.lock().unwrap().len(), MAX_MODELS);
}

#[test]
fn the_tier_that_served_decides() {
    let tier = |model, tier: &str| {
        let usage = Usage::new(1_000_000, 0).nothing_else();
        let answer = LlmResponse::new().usage(usage).tier(tier);
        price(&Pricer::default(), ("openai", model), &answer)
    };
    // Standard 1.25, flex half of it, priority twice as much.
    let standard = pico("openai", "gpt-5", Usage::new(1_000_000, 0)).unwrap();
    assert_eq!(tier("gpt-5", "default"), Ok(standard));
    assert_eq!(tier("gpt-5", "flex"), Ok(standard / 2));
    assert_eq!(tier("gpt-5", "priority"), Ok(standard * 2));
    // bug: a tier that the list does not know had the standard price, without a word.
    assert_eq!(tier("gpt-5", "imaginary"), unknown(Reason::TierUnknown));
    assert_eq!(tier("gpt-3.5-turbo", "flex"), unknown(Reason::TierUnknown));
    assert!(tier("gpt-3.5-turbo", "default").is_ok());
    let usage = Usage::new(1_000_000, 0).nothing_else();
    let batch = LlmResponse::new().usage(usage).batch();
    let batch = price(&Pricer::default(), ("openai", "gpt-5"), &batch);
    assert_eq!(batch, Ok(standard / 2));

    let own = Prices::new().price("m", 4.0, 8.0).price_for_tier(
        "",
        "m",
        "flex",
        ModelPrice::per_million(1.0, 2.0),
    );
    let own = Pricer::new(own);
    for (tier, wanted) in [
        ("default", Ok(4_000_000)),
        ("flex", Ok(1_000_000)),
        ("priority", unknown(Reason::TierUnknown)),
    ] {
        let answer = LlmResponse::new().usage((1, 0)).tier(tier);
        assert_eq!(price(&own, ("p", "m"), &answer), wanted, "{tier}");
    }
}

#[test]
fn writes_to_the_cache_cost_by_their_lifetime() {
    let model = "claude-sonnet-4-0";
    let written = |usage| pico("anthropic", model, usage);
    // 3.75 for 5 minutes, 6 for an hour.
    let all = Usage::new(1_000_000, 0);
    let five = 3_750_000_000_000;
    assert_eq!(written(all.cache_write_5m(1_000_000)), Ok(five));
    assert_eq!(
        written(all.cache_write_1h(1_000_000)),
        Ok(6_000_000_000_000)
    );
    let both = all.cache_write_5m(400_000).cache_write_1h(600_000);
    assert_eq!(written(both), Ok(1_500_000_000_000 + 3_600_000_000_000));
    assert_eq!(
        written(all.cache_write(1_000_000)).unwrap_err(),
        "$3.75 to $6.00 (ttl_unknown)"
    );
    assert_eq!(
        written(both.cache_write(1_000_000)),
        Ok(1_500_000_000_000 + 3_600_000_000_000)
    );
    // Where both cost the same there is nothing to ask.
    let own = Pricer::new(Prices::new().price("m", 1.0, 1.0));
    let answer = LlmResponse::new().usage(all.cache_write(1_000));
    assert!(price(&own, ("p", "m"), &answer).is_ok());
}

#[test]
fn searches_have_their_fee_or_are_missed() {
    let answer = LlmResponse::new().usage(Usage::new(0, 0).web_searches(3));
    let pricer = Pricer::default();
    // 10 dollars for a thousand.
    let found = price(&pricer, ("anthropic", "claude-sonnet-4-0"), &answer);
    assert_eq!(found, Ok(30_000_000_000));
    let missed = price(&pricer, ("openai", "gpt-3.5-turbo"), &answer);
    assert_eq!(missed, unknown(Reason::UnpricedUnit));
    let own = ModelPrice::per_million(1.0, 1.0).web_searches(5.0);
    let own = Pricer::new(Prices::new().price_for("", "m", own));
    assert_eq!(price(&own, ("p", "m"), &answer), Ok(15_000_000_000));
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
