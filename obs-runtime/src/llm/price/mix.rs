//! What sums of tokens cost at least and at most, where it is not known of which parts they are made.
//!
//! The price of a token depends on what it is: plain, read from a cache, written to it for one of two times, audio. A
//! price is a sum over tokens, so it is lowest and highest where all unknown ones are of one sort. These mixtures are
//! tried, as far as the prices tell them apart.

use super::cost::{Reason, Reasons};
use super::rates::{Counts, Rates};
use super::usd::Usd;
use crate::llm::usage::{Unit, Usage};

/// What sums cost at least and at most, and why that is not the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) least: Usd,
    pub(super) most: Usd,
    pub(super) reasons: Reasons,
}

/// A possible mixture, with what of it was guessed.
#[derive(Clone, Copy, Debug)]
struct Mix {
    counts: Counts,
    /// The lifetime of what was written to the cache.
    ttl: u16,
    /// The other parts.
    parts: u16,
}

/// Returns the prices of an input and an output; the last so many of the output may be of any sort. `None` where the
/// counts have no price.
pub(super) fn spread(
    rates: &dyn Rates,
    usage: &Usage,
    input: u64,
    (output, grown): (u64, u64),
) -> Option<Spread> {
    let known = |unit| usage.get(unit).unwrap_or(0);
    let base = Counts {
        input,
        output,
        requests: known(Unit::Requests),
        web_searches: known(Unit::WebSearches),
        code_runs: known(Unit::CodeRuns),
        ..Counts::default()
    };
    let outputs = outputs(rates, usage, (output, grown));
    let of_output = |counts: Counts, mix: &Mix| Counts {
        reasoning: mix.counts.reasoning,
        audio_output: mix.counts.audio_output,
        image_output: mix.counts.image_output,
        ..counts
    };
    let inputs = inputs(rates, usage, of_output(base, &outputs[0]));
    let mut reasons = Reasons::NONE;
    // A guess cannot contradict what is known, but what is known can contradict itself.
    let possible = inputs.iter().any(|mix| mix.counts.fits());
    let inputs = inputs
        .into_iter()
        .filter(|mix| !possible || mix.counts.fits());
    let priced = |mix: Mix| Some((mix, ends_of(rates, mix.counts)?));
    let (inputs, prices): (Vec<_>, Vec<_>) = inputs.filter_map(priced).unzip();
    let lowest = (0..inputs.len()).min_by_key(|at| prices[*at].0)?;
    let highest = (0..inputs.len()).max_by_key(|at| prices[*at].1)?;
    let differs = |same: fn(&Mix) -> u16, other: fn(&Mix) -> u16| {
        let pairs = (0..inputs.len()).flat_map(|one| (0..one).map(move |two| (one, two)));
        pairs.into_iter().any(|(one, two)| {
            let (a, b) = (&inputs[one], &inputs[two]);
            same(a) == same(b) && other(a) != other(b) && prices[one] != prices[two]
        })
    };
    if differs(|mix| mix.parts, |mix| mix.ttl) {
        reasons = reasons.and(Reason::TtlUnknown);
    }
    if differs(|mix| mix.ttl, |mix| mix.parts) {
        reasons = reasons.and(Reason::PartsUnknown);
    }
    if prices.iter().any(|(inside, apart)| inside != apart) {
        reasons = reasons.and(Reason::InvalidUsage);
    }
    let (mut least, mut most) = (prices[lowest].0, prices[highest].1);
    for mix in outputs.iter().skip(1) {
        let low = ends_of(rates, of_output(inputs[lowest].counts, mix))?;
        let high = ends_of(rates, of_output(inputs[highest].counts, mix))?;
        if low.0 != least || high.1 != most {
            reasons = reasons.and(Reason::PartsUnknown);
        }
        least = least.min(low.0);
        most = most.max(high.1);
    }
    Some(Spread {
        least,
        most,
        reasons,
    })
}

/// The possible parts of an output, of which the last so many tokens may be of any sort.
fn outputs(rates: &dyn Rates, usage: &Usage, (output, grown): (u64, u64)) -> Vec<Mix> {
    const PARTS: [Unit; 3] = [
        Unit::ReasoningTokens,
        Unit::AudioOutputTokens,
        Unit::ImageOutputTokens,
    ];
    let known = PARTS.map(|unit| usage.get(unit).unwrap_or(0));
    let mix = |parts: [u64; 3], number: u16| Mix {
        counts: Counts {
            reasoning: parts[0],
            audio_output: parts[1],
            image_output: parts[2],
            ..Counts::default()
        },
        ttl: 0,
        parts: number,
    };
    // What was said and is of no part of which it was said, is of one of which nothing was said. What came later is of any.
    let said = output.saturating_sub(grown);
    let rest = known
        .iter()
        .fold(said, |rest, part| rest.saturating_sub(*part));
    let over = known
        .iter()
        .fold(0, |sum: u64, part| sum.saturating_add(*part));
    let grown = grown.min(output.saturating_sub(over));
    let told = |tokens: u64, is: &dyn Fn(Unit) -> bool| -> Vec<Option<usize>> {
        let parts = (0..PARTS.len()).filter(|at| tokens > 0 && rates.tells(PARTS[*at]));
        let parts = parts.filter(|at| is(PARTS[*at])).map(Some);
        [None].into_iter().chain(parts).collect()
    };
    let mut all = Vec::with_capacity(1);
    for unsaid in told(rest, &|unit| usage.get(unit).is_none()) {
        for later in told(grown, &|_| true) {
            let mut parts = known;
            if let Some(at) = unsaid {
                parts[at] += rest;
            }
            if let Some(at) = later {
                parts[at] += grown;
            }
            all.push(mix(parts, all.len() as u16));
        }
    }
    all
}

/// The possible parts of the input.
fn inputs(rates: &dyn Rates, usage: &Usage, base: Counts) -> Vec<Mix> {
    let mut all = Vec::with_capacity(1);
    for (parts, cached) in cached(rates, usage, base).into_iter().enumerate() {
        for (ttl, counts) in lifetimes(usage, cached).into_iter().enumerate() {
            let modal = modal(rates, usage, counts);
            for (place, counts) in modal.into_iter().enumerate() {
                all.push(Mix {
                    counts,
                    ttl: ttl as u16,
                    parts: (parts * 32 + place) as u16,
                });
            }
        }
    }
    all
}

/// What of the input was read from the cache or written to it: as was said, and all of the rest where nothing was.
fn cached(rates: &dyn Rates, usage: &Usage, base: Counts) -> Vec<Counts> {
    let read = usage.get(Unit::CacheReadTokens);
    let written = usage.cache_write_tokens();
    // What was cached of a modality was cached.
    let of_modality = [Unit::CacheReadAudioTokens, Unit::CacheReadImageTokens]
        .map(|unit| usage.get(unit).unwrap_or(0));
    let known = Counts {
        read: read.unwrap_or(of_modality[0].saturating_add(of_modality[1])),
        ..base
    };
    // What is known to be of a modality and not cached leaves no room; so many are cached at most, and of a modality
    // of which that is not said only if it may.
    let apart = |most: u64, may: [bool; 2]| {
        let (mut plain, mut unsaid, mut cached) = (0_u64, 0_u64, 0_u64);
        let modalities = [
            (Unit::AudioInputTokens, Unit::CacheReadAudioTokens),
            (Unit::ImageInputTokens, Unit::CacheReadImageTokens),
        ];
        for ((all, part), may) in modalities.into_iter().zip(may) {
            let all = usage.get(all).unwrap_or(0);
            match usage.get(part) {
                Some(said) => {
                    plain = plain.saturating_add(all.saturating_sub(said));
                    cached = cached.saturating_add(said);
                }
                None if may => unsaid = unsaid.saturating_add(all),
                None => plain = plain.saturating_add(all),
            }
        }
        plain.saturating_add(unsaid.saturating_sub(most.saturating_sub(cached)))
    };
    let left = base
        .input
        .saturating_sub(known.read.saturating_add(written.unwrap_or(0)));
    let mut all = vec![known];
    // As much as if all of each modality that can have been cached was, or all of one of them, or none.
    let mut take = |most: u64, with: fn(Counts, u64) -> Counts| {
        let each = [[true, true], [true, false], [false, true], [false, false]];
        let rests = each.map(|may| left.saturating_sub(apart(most, may)));
        let new =
            (0..rests.len()).filter(|at| rests[*at] > 0 && !rests[..*at].contains(&rests[*at]));
        all.extend(new.map(|at| with(known, rests[at])));
    };
    if read.is_none() && rates.tells(Unit::CacheReadTokens) {
        take(u64::MAX, |known, rest| Counts {
            read: known.read + rest,
            ..known
        });
    }
    if written.is_none() && rates.tells(Unit::CacheWrite5mTokens) {
        take(known.read, |known, rest| Counts {
            write_5m: rest,
            ..known
        });
    }
    if written.is_none() && rates.tells(Unit::CacheWrite1hTokens) {
        take(known.read, |known, rest| Counts {
            write_1h: rest,
            ..known
        });
    }
    all
}

/// For how long was written to the cache what is known to have been: the possible splits.
fn lifetimes(usage: &Usage, counts: Counts) -> Vec<Counts> {
    let Some(written) = usage.cache_write_tokens() else {
        return vec![counts];
    };
    let known = |unit| usage.get(unit).unwrap_or(0);
    let hour = known(Unit::CacheWrite1hTokens);
    let said = known(Unit::CacheWrite5mTokens).saturating_add(hour);
    let unknown = written.saturating_sub(said);
    let with = |hour: u64| Counts {
        write_5m: written.saturating_sub(hour),
        write_1h: hour.min(written),
        ..counts
    };
    if unknown == 0 {
        vec![with(hour)]
    } else {
        vec![with(hour), with(hour.saturating_add(unknown))]
    }
}

/// What of the input was audio or images, and what of these came from the cache.
fn modal(rates: &dyn Rates, usage: &Usage, counts: Counts) -> Vec<Counts> {
    let sort = |all: Unit, cached: Unit| Modality {
        all: usage.get(all),
        cached: usage.get(cached),
        tells: rates.tells(all),
    };
    let audio = sort(Unit::AudioInputTokens, Unit::CacheReadAudioTokens);
    let image = sort(Unit::ImageInputTokens, Unit::CacheReadImageTokens);
    let written = counts.write_5m.saturating_add(counts.write_1h);
    let plain = counts
        .input
        .saturating_sub(counts.read.saturating_add(written));
    let mut all = Vec::with_capacity(1);
    for (read_audio, plain_audio) in audio.splits(counts.read, plain, image) {
        let (read, plain) = (
            counts.read.saturating_sub(read_audio),
            plain.saturating_sub(plain_audio),
        );
        for (read_image, plain_image) in image.splits(read, plain, Modality::NONE) {
            let mix = Counts {
                audio_input: read_audio + plain_audio,
                image_input: read_image + plain_image,
                read_audio,
                read_image,
                ..counts
            };
            if !all.contains(&mix) {
                all.push(mix);
            }
        }
    }
    all
}

/// What is known of the audio or of the images in an input.
#[derive(Clone, Copy, Debug)]
struct Modality {
    all: Option<u64>,
    cached: Option<u64>,
    /// Whether the prices tell it from text.
    tells: bool,
}

impl Modality {
    const NONE: Self = Self {
        all: Some(0),
        cached: Some(0),
        tells: false,
    };

    /// How many tokens were cached, and how many were plain, of the cached and plain ones that there are: the possible
    /// ends, where it stands alone and where another modality takes what room there is.
    fn splits(self, read: u64, plain: u64, other: Self) -> Vec<(u64, u64)> {
        let others = other.all.or(other.cached).unwrap_or(0);
        let cached_most = |left: u64| other.cached.unwrap_or(others).min(others).min(left);
        let least = self.all.unwrap_or(0).saturating_sub(plain);
        let most = self.all.unwrap_or(read).min(read);
        let cached = match (self.cached, self.tells) {
            (Some(said), _) => vec![said.min(self.all.unwrap_or(said))],
            (None, false) => vec![self.all.unwrap_or(0).min(read)],
            (None, true) => {
                let both = self.all.unwrap_or(0).saturating_add(others);
                let over = both.saturating_sub(plain);
                let meets = [
                    read.saturating_sub(others),
                    read.saturating_sub(cached_most(read)),
                    over.saturating_sub(others),
                    over.saturating_sub(cached_most(read)),
                ];
                let meets = meets.map(|count| count.clamp(least.min(most), most));
                distinct([least.min(most), most].into_iter().chain(meets))
            }
        };
        let with = |cached: u64| {
            let left = plain.saturating_sub(others - cached_most(read.saturating_sub(cached)));
            match (self.all, self.tells) {
                (Some(all), _) => vec![(cached, all.saturating_sub(cached))],
                (None, true) => distinct([0, plain, left, plain.saturating_sub(others)])
                    .into_iter()
                    .map(|plain| (cached, plain))
                    .collect(),
                (None, false) => vec![(cached, 0)],
            }
        };
        cached.into_iter().flat_map(with).collect()
    }
}

fn distinct(counts: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut all: Vec<u64> = counts.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The price with the parts inside of the sums, and with them beside the sums: the same, unless more parts were reported
/// than there are.
fn ends_of(rates: &dyn Rates, counts: Counts) -> Option<(Usd, Usd)> {
    let inside = counts.fitting();
    if inside == counts {
        let price = rates.price(&counts)?;
        return Some((price, price));
    }
    let written = counts.write_5m.checked_add(counts.write_1h)?;
    // The input grows by what modalities have beyond it.
    let modal = counts.audio_input.checked_add(counts.image_input)?;
    let apart = Counts {
        input: counts
            .input
            .checked_add(counts.read)?
            .checked_add(written)?
            .max(modal),
        output: counts
            .output
            .max(counts.reasoning)
            .max(counts.audio_output.checked_add(counts.image_output)?),
        ..counts
    };
    let one = rates.price(&inside)?;
    let other = rates.price(&apart)?;
    Some((one.min(other), one.max(other)))
}

impl Counts {
    /// Whether the parts of the input fit into it.
    fn fits(&self) -> bool {
        let parts = [
            self.read,
            self.write_5m,
            self.write_1h,
            self.audio_input.saturating_sub(self.read_audio),
            self.image_input.saturating_sub(self.read_image),
        ];
        parts.into_iter().fold(0, u64::saturating_add) <= self.input
            && self.read_audio <= self.audio_input
            && self.read_image <= self.image_input
            && self.read_audio.saturating_add(self.read_image) <= self.read
    }

    /// The same with parts that fit into their sums.
    fn fitting(mut self) -> Self {
        let mut left = self.input;
        for part in [&mut self.read, &mut self.write_5m, &mut self.write_1h] {
            *part = (*part).min(left);
            left -= *part;
        }
        self.audio_input = self.audio_input.min(self.input);
        self.image_input = self.image_input.min(self.input - self.audio_input);
        self.read_audio = self.read_audio.min(self.audio_input).min(self.read);
        self.read_image = self
            .read_image
            .min(self.image_input)
            .min(self.read - self.read_audio);
        self.reasoning = self.reasoning.min(self.output);
        self.audio_output = self.audio_output.min(self.output);
        self.image_output = self.image_output.min(self.output - self.audio_output);
        self
    }
}
