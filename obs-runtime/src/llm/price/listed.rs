//! The price list of `genai-prices`.

use genai_prices::{Calculator, PriceRequest, UsageKey};

use super::context::Context;
use super::rates::{Counts, Rates};
use super::usd::Usd;
use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::llm::usage::Unit;

/// What the list is called on records: the release line whose data is built in.
pub(super) const NAME: &str = "genai-prices 0.2";

/// The price list. Decoding it takes tens of milliseconds, so that happens once, ahead of calls.
static CALCULATOR: PerProcess<Option<&'static Calculator>> =
    // Should a release of the list be broken, calls are unpriced and the program continues. Miri
    // would need an hour to decode it.
    PerProcess::new(|| {
        let decoded = || guarded(Calculator::bundled);
        (!cfg!(miri)).then(decoded).flatten()
    });

/// Decodes the price list, which takes some 60 ms.
///
/// It is called when obs is installed, so that no model call waits for it.
pub(crate) fn warm_up() {
    let _ = *CALCULATOR;
}

/// A model of the list in one context.
#[derive(Debug)]
pub(super) struct Listed {
    calculator: &'static Calculator,
    provider: String,
    model: String,
    context: Vec<(&'static str, String)>,
    free: bool,
    /// Of input, output, searches and runs of code.
    priced: [bool; 4],
    /// The parts that have another price than the rest of their sums, as bits by [`Unit`].
    tells: u32,
}

/// What the list says of a model.
#[derive(Debug)]
pub(super) enum Found {
    /// It has the model, and prices for the context.
    Prices(Listed),
    /// It has the model, but no prices for the context.
    NoContext,
    /// It lacks the model, or its prices.
    Nothing,
}

const MILLION: u64 = 1_000_000;

/// The parts of sums that may have prices of their own.
const PARTS_OF_INPUT: [Unit; 5] = [
    Unit::CacheReadTokens,
    Unit::CacheWrite5mTokens,
    Unit::CacheWrite1hTokens,
    Unit::AudioInputTokens,
    Unit::ImageInputTokens,
];
const PARTS_OF_OUTPUT: [Unit; 3] = [
    Unit::ReasoningTokens,
    Unit::AudioOutputTokens,
    Unit::ImageOutputTokens,
];

/// Looks for a model. This tries the rules of the list one after the other: what it finds is to be kept.
pub(super) fn find(provider: &str, model: &str, context: &Context) -> Found {
    let Some(calculator) = *CALCULATOR else {
        return Found::Nothing;
    };
    let standard = Listed {
        calculator,
        provider: listed_provider(provider).to_owned(),
        model: model.to_owned(),
        context: Vec::new(),
        free: false,
        priced: [false; 4],
        tells: 0,
    };
    let Some(standard) = standard.probed() else {
        return Found::Nothing;
    };
    let pairs = context.pairs();
    if pairs.is_empty() {
        return Found::Prices(standard);
    }
    let Some(special) = (Listed {
        context: pairs,
        ..standard.clone()
    })
    .probed() else {
        return Found::NoContext;
    };
    // What the list does not know it prices as if nothing had been said. The standard tier may be written as a context.
    let same = special.probe() == standard.probe();
    if same && !context.is_standard() {
        return Found::NoContext;
    }
    Found::Prices(special)
}

impl Clone for Listed {
    fn clone(&self) -> Self {
        Self {
            calculator: self.calculator,
            provider: self.provider.clone(),
            model: self.model.clone(),
            context: self.context.clone(),
            free: self.free,
            priced: self.priced,
            tells: self.tells,
        }
    }
}

impl Listed {
    /// Asks what has a price; `None` where nothing has, or the model is not there.
    fn probed(mut self) -> Option<Self> {
        let prices = self.probe()?;
        let none = self.calculate(&Counts::default())?.total;
        self.free = prices[0].model.ends_with(":free");
        self.priced = [
            prices[0].input > 0.0,
            prices[1].output > 0.0,
            prices[2].total > none,
            prices[3].total > none,
        ];
        self.tells = self.told(&prices);
        // The list says $0 for models whose price it lacks. Some models are free, and say so.
        (self.free || self.priced[0] || self.priced[1] || none > 0.0).then_some(self)
    }

    /// The parts whose price differs from that of the sums, of which the first two of these prices are.
    fn told(&self, [input, output, ..]: &[Calculated; 4]) -> u32 {
        let all = |side: &Calculated, unit: Unit| {
            let mut counts = Counts::default();
            let part = match unit {
                Unit::CacheReadTokens => &mut counts.read,
                Unit::CacheWrite5mTokens => &mut counts.write_5m,
                Unit::CacheWrite1hTokens => &mut counts.write_1h,
                Unit::AudioInputTokens => &mut counts.audio_input,
                Unit::ImageInputTokens => &mut counts.image_input,
                Unit::ReasoningTokens => &mut counts.reasoning,
                Unit::AudioOutputTokens => &mut counts.audio_output,
                _ => &mut counts.image_output,
            };
            *part = MILLION;
            if PARTS_OF_INPUT.contains(&unit) {
                counts.input = MILLION;
            } else {
                counts.output = MILLION;
            }
            self.calculate(&counts)
                .is_some_and(|price| price.total.to_bits() != side.total.to_bits())
        };
        let told = PARTS_OF_INPUT.into_iter().map(|unit| (input, unit));
        let told = told.chain(PARTS_OF_OUTPUT.into_iter().map(|unit| (output, unit)));
        told.filter(|(side, unit)| all(side, *unit))
            .fold(0, |bits, (_, unit)| bits | 1 << unit as u32)
    }

    /// The prices of a million tokens of input and of output, of as many searches and runs of code.
    fn probe(&self) -> Option<[Calculated; 4]> {
        let of = |counts: Counts| self.calculate(&counts);
        let one = Counts::default();
        Some([
            of(Counts {
                input: MILLION,
                ..one
            })?,
            of(Counts {
                output: MILLION,
                ..one
            })?,
            of(Counts {
                web_searches: MILLION,
                ..one
            })?,
            of(Counts {
                code_runs: MILLION,
                ..one
            })?,
        ])
    }

    fn calculate(&self, counts: &Counts) -> Option<Calculated> {
        let mut usage = genai_prices::Usage::from([
            (UsageKey::INPUT_TOKENS, counts.input as f64),
            (UsageKey::OUTPUT_TOKENS, counts.output as f64),
        ]);
        let written = counts.write_5m + counts.write_1h;
        for (key, count) in [
            (UsageKey::CACHE_READ_TOKENS, counts.read),
            (UsageKey::CACHE_WRITE_TOKENS, written),
            (UsageKey::CACHE_WRITE_5M_TOKENS, counts.write_5m),
            (UsageKey::CACHE_WRITE_1H_TOKENS, counts.write_1h),
            (UsageKey::OUTPUT_REASONING_TOKENS, counts.reasoning),
            (UsageKey::INPUT_AUDIO_TOKENS, counts.audio_input),
            (UsageKey::OUTPUT_AUDIO_TOKENS, counts.audio_output),
            (UsageKey::INPUT_IMAGE_TOKENS, counts.image_input),
            (UsageKey::OUTPUT_IMAGE_TOKENS, counts.image_output),
            (UsageKey::WEB_SEARCHES, counts.web_searches),
            (UsageKey::CODE_EXECUTIONS, counts.code_runs),
        ] {
            if count > 0 {
                usage.insert(key, count as f64);
            }
        }
        // The list must be told how many are both, even if none is.
        for (key, modal, cached) in [
            (
                UsageKey::CACHE_AUDIO_READ_TOKENS,
                counts.audio_input,
                counts.read_audio,
            ),
            (
                UsageKey::CACHE_IMAGE_READ_TOKENS,
                counts.image_input,
                counts.read_image,
            ),
        ] {
            if modal > 0 && counts.read > 0 {
                usage.insert(key, cached as f64);
            }
        }
        let mut request = PriceRequest::new(&self.model, &usage).with_provider_id(&self.provider);
        for (key, value) in &self.context {
            request = request.with_price_context(key, value);
        }
        // An error is about what the model does not have, or about counts whose overlap it must know; a warning says that
        // something of the usage has no price in this release.
        let price = self.calculator.calculate(&request).ok()?;
        price.warnings.is_empty().then_some(Calculated {
            input: price.input_price,
            output: price.output_price,
            total: price.total_price,
            model: price.model_id,
        })
    }
}

/// A price of the list, in dollars.
#[derive(Clone, Debug, PartialEq)]
struct Calculated {
    input: f64,
    output: f64,
    total: f64,
    /// The model that the list takes it for.
    model: String,
}

impl Rates for Listed {
    fn price(&self, counts: &Counts) -> Option<Usd> {
        let price = self.calculate(counts)?.total;
        // The list counts one request.
        let more = counts.requests.saturating_sub(1);
        let requests = if more > 0 {
            self.calculate(&Counts::default())?.total * more as f64
        } else {
            0.0
        };
        Usd::from_f64(price + requests)
    }

    fn has(&self, unit: Unit) -> bool {
        let [input, output, searches, runs] = self.priced;
        match unit {
            Unit::InputTokens => input,
            Unit::OutputTokens => output,
            Unit::WebSearches => searches,
            Unit::CodeRuns => runs,
            _ => true,
        }
    }

    fn tells(&self, part: Unit) -> bool {
        self.tells & (1 << part as u32) != 0
    }

    fn is_free(&self) -> bool {
        self.free
    }
}

/// Returns the price list's name of a provider.
///
/// Some differ from OpenTelemetry's (GenAI semantic conventions, `gen_ai.provider.name`).
pub(in crate::llm) fn listed_provider(provider: &str) -> &str {
    match provider {
        "aws.bedrock" => "aws",
        "azure.ai.inference" | "azure.ai.openai" => "azure",
        "gcp.gemini" | "gcp.gen_ai" | "gcp.vertex_ai" => "google",
        "mistral_ai" => "mistral",
        "moonshot_ai" => "moonshotai",
        "x_ai" => "x-ai",
        other => other,
    }
}
