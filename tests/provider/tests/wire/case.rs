//! One case: an answer of the provider, what goes wrong, and a client.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt as _, StreamExt as _};
use obs_runtime::llm::{Cost, LlmTotals};
use obs_runtime::span;
use obs_tests_provider::{
    Answer, Asked, At, Close, Entry, Fault, Finish, Format, Provider, Refusal, Reply, Reports,
    Script, Tokens,
};
use serde_json::json;

use crate::bill::{self, MODEL, OTHER_MODEL};
use crate::clients::{self, Fate, Plan};

/// Numbers that a seed decides.
struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn share(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// A client of the cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    TellsAtOnce,
    TellsInItsValue,
    Repeats,
    IsWatched,
    Interleaves,
    Nests,
    Streams,
}

/// What the clients send with.
pub(crate) struct Http {
    pub(crate) plain: reqwest::Client,
    /// The same, under the layer that watches.
    pub(crate) watched: reqwest_middleware::ClientWithMiddleware,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    seed: u64,
    client: Client,
    stream: bool,
    plan: Plan,
    /// What becomes of each request, in turn; the last one stays.
    scripts: Vec<Script>,
    /// After how many looks whoever waits for the client goes away.
    patience: Option<u32>,
}

pub(crate) struct Outcome {
    pub(crate) cost: Cost,
    journal: Vec<Entry>,
    /// Whether the client came to its own end.
    ended: bool,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let format = random.pick(&Format::OF_TEXT);
        let client = random.pick(&[
            Client::TellsAtOnce,
            Client::TellsInItsValue,
            Client::Repeats,
            Client::IsWatched,
            Client::Interleaves,
            Client::Nests,
            Client::Streams,
        ]);
        // Whole bodies of events are read too, but Bedrock's frames only by those who take them apart.
        let stream = match client {
            Client::Streams => true,
            Client::Repeats | Client::IsWatched | Client::Interleaves | Client::Nests => {
                random.one_in(2)
            }
            _ => format != Format::Bedrock && random.one_in(4),
        };
        let attempts = match client {
            Client::Repeats | Client::IsWatched => 3,
            Client::Interleaves | Client::Nests => 2,
            _ => 1,
        };
        let mut scripts: Vec<Script> = (0..attempts)
            .map(|at| script(&mut random, format, stream, at))
            .collect();
        if matches!(client, Client::Interleaves | Client::Nests) {
            // Which of them comes first is not known, so both have the same prices.
            alike(&mut scripts);
        }
        let searches = scripts.iter().any(|script| match &script.reply {
            Reply::Answer(answer) => answer.tokens.web_searches > 0,
            Reply::Refusal(refusal) => refusal.billed.web_searches > 0,
            Reply::Vectors { .. } => false,
        });
        let fates = [
            Fate::Returns,
            Fate::Returns,
            Fate::DoesNotUnderstand,
            Fate::Panics,
        ];
        // A stream stands still for ever: somebody must go.
        let stalls = scripts.iter().any(|s| matches!(s.fault, Fault::Stall(_)));
        let patience = (stalls || random.one_in(4)).then(|| random.below(600) as u32);
        Self {
            seed,
            client,
            stream,
            plan: Plan {
                format,
                url: format.path(MODEL, stream),
                body: request(format, stream),
                fate: random.pick(&fates),
                attempts,
                reads: if random.one_in(4) {
                    random.below(9) as usize + 1
                } else {
                    usize::MAX
                },
                bounds: random.one_in(2).then_some(searches),
                guess: (random.one_in(5) && !matches!(client, Client::Nests))
                    .then(|| (random.below(100_000), random.below(10_000))),
                errands: random.below(3) as u32,
            },
            scripts,
            patience,
        }
    }

    pub(crate) async fn run(&self, http: &Http) -> Outcome {
        let scripts = self.scripts.clone();
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let provider = Provider::start(move |_: &Asked| {
            let at = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            scripts[at.min(scripts.len() - 1)].clone()
        });
        let provider = provider.await.expect("a port");
        let mut plan = self.plan.clone();
        plan.url = format!("{}{}", provider.url(), plan.url);
        let span = span!("case");
        let trace = span.context().expect("it is recorded").trace_id();
        let client = AssertUnwindSafe(self.ask(http, &plan)).catch_unwind();
        let ended = match self.patience {
            Some(polls) => clients::abandon(span.instrument(client), polls)
                .await
                .is_some(),
            None => span.instrument(client).await.is_ok_and(|ended| ended),
        };
        let mut journal = provider.settle().await.expect("it listens");
        // An errand is no request to a model, and costs nothing.
        journal.retain(|entry| {
            assert!(entry.format.is_some() || entry.billed == Tokens::default());
            entry.format.is_some()
        });
        let cost = LlmTotals::for_trace(trace).map_or(Cost::ZERO, |totals| totals.cost);
        Outcome {
            cost,
            journal,
            ended,
        }
    }

    /// Runs the client; returns whether it read what there was.
    async fn ask(&self, http: &Http, plan: &Plan) -> bool {
        match self.client {
            Client::TellsAtOnce => clients::tells_at_once(&http.plain, plan).await.is_ok(),
            Client::TellsInItsValue => clients::tells_in_its_value(&http.plain, plan).await.is_ok(),
            Client::Repeats => clients::repeats(&http.plain, plan).await.is_ok(),
            Client::IsWatched => clients::is_watched(&http.watched, plan).await.is_ok(),
            Client::Interleaves => clients::interleaves(&http.watched, plan).await.is_ok(),
            Client::Nests => clients::nests(&http.watched, plan).await.is_ok(),
            Client::Streams => {
                let mut events = Box::pin(clients::streams(&http.plain, plan));
                for _ in 0..plan.reads {
                    match events.next().await {
                        Some(Ok(_)) => {}
                        Some(Err(_)) => return false,
                        None => return true,
                    }
                }
                assert!(plan.fate != Fate::Panics, "{}", clients::PANIC);
                false
            }
        }
    }

    /// Whether everything that the provider billed was said, and told by the client.
    fn said_all(&self, outcome: &Outcome) -> bool {
        let one_word = |script: &Script| match &script.reply {
            Reply::Answer(answer) => {
                // Only who writes lifetimes down can be asked for them.
                let lifetimes = match self.plan.format {
                    Format::Anthropic | Format::Bedrock => answer.says_lifetimes,
                    _ => false,
                };
                let told = match answer.reports {
                    Reports::Never | Reports::Zeros => false,
                    Reports::First => !self.stream,
                    _ => true,
                };
                // Others write down what is zero, or mean it by leaving it out.
                let parts = match self.plan.format {
                    Format::Chat | Format::Responses => answer.says_parts,
                    _ => true,
                };
                told && parts
                    && (lifetimes || answer.tokens.cache_write() == 0)
                    && answer.tier.as_deref() != Some("ludicrous")
            }
            Reply::Refusal(refusal) => refusal.status == 429,
            Reply::Vectors { .. } => false,
        };
        let fine = |fault: Fault| matches!(fault, Fault::None | Fault::Duplicate(_));
        let used = &self.scripts[..outcome.journal.len().min(self.scripts.len())];
        let told = match self.client {
            Client::TellsAtOnce | Client::Nests => true,
            Client::TellsInItsValue => self.plan.fate == Fate::Returns,
            Client::Repeats | Client::IsWatched | Client::Streams => self.plan.reads == usize::MAX,
            // Who tells of events without saying whose they are cannot be sure of it.
            Client::Interleaves => false,
        };
        told && self.patience.is_none()
            && outcome.journal.iter().all(|entry| entry.whole)
            && used
                .iter()
                .all(|script| one_word(script) && fine(script.fault))
            && (outcome.ended || self.client != Client::Streams)
    }
}

impl Outcome {
    fn billed(&self, case: &Case) -> i128 {
        let of = |(at, entry): (usize, &Entry)| {
            let script = &case.scripts[at.min(case.scripts.len() - 1)];
            // Of two at once either may come first; all answers have the same prices then.
            let is_answer = |script: &&Script| matches!(script.reply, Reply::Answer(_));
            let answer = case.scripts.iter().find(is_answer);
            let script = match case.client {
                Client::Interleaves | Client::Nests if entry.status == 200 => {
                    answer.unwrap_or(script)
                }
                _ => script,
            };
            match &script.reply {
                Reply::Answer(answer) if entry.status == 200 => {
                    bill::picodollars(entry.billed, &answer.model, answer.tier.as_deref())
                }
                _ => bill::picodollars(entry.billed, MODEL, None),
            }
        };
        self.journal.iter().enumerate().map(of).sum()
    }

    /// Compares the cost with the journal; returns whether all was said.
    pub(crate) fn check(&self, case: &Case) -> bool {
        let billed = self.billed(case);
        let least = self.cost.at_least.picodollars();
        let most = self.cost.at_most.map(obs_runtime::llm::Usd::picodollars);
        let explain = || {
            format!(
                "OBS_WIRE_SEED={} OBS_WIRE_CASES=1: {billed} picodollars were billed, the cost is {} ({least} to \
                 {most:?})\n{case:#?}\n{:#?}",
                case.seed, self.cost, self.journal
            )
        };
        assert!(least <= billed, "more than the bill: {}", explain());
        assert!(
            most.is_none_or(|most| billed <= most),
            "less than the bill: {}",
            explain()
        );
        let all_said = case.said_all(self);
        assert!(
            !all_said || self.cost.is_exact(),
            "all was said: {}",
            explain()
        );
        all_said
    }
}

/// The body of a request, as each format has it.
pub(crate) fn request(format: Format, stream: bool) -> String {
    let mut body = match format {
        Format::Responses | Format::Embeddings => json!({"model": MODEL, "input": "why?"}),
        Format::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "why?"}]}]}),
        _ => json!({"model": MODEL, "messages": [{"role": "user", "content": "why?"}]}),
    };
    if stream && !matches!(format, Format::Gemini | Format::Bedrock) {
        body["stream"] = json!(true);
        if format == Format::Chat {
            body["stream_options"] = json!({"include_usage": true});
        }
    }
    body.to_string()
}

/// Gives all answers the model and the tier of the first.
fn alike(scripts: &mut [Script]) {
    let first = scripts.iter().find_map(|script| match &script.reply {
        Reply::Answer(answer) => Some((answer.model.clone(), answer.tier.clone())),
        _ => None,
    });
    let Some((model, tier)) = first else {
        return;
    };
    for script in scripts {
        if let Reply::Answer(answer) = &mut script.reply {
            answer.model.clone_from(&model);
            answer.tier.clone_from(&tier);
        }
    }
}

fn script(random: &mut Random, format: Format, stream: bool, at: u32) -> Script {
    // What is repeated fails more often the first time.
    if random.one_in(if at == 0 { 5 } else { 8 }) {
        let mut refusal = match random.below(3) {
            0 => Refusal::new(429, "rate_limit_exceeded", "Slow down."),
            1 => Refusal::new(429, "rate_limit_exceeded", "Slow down.").retry_after("1"),
            _ => Refusal::new(500, "server_error", "Something broke."),
        };
        if refusal.status == 500 && random.one_in(2) {
            // Nobody says it, and it is billed.
            refusal.billed = tokens(random, format);
        }
        return Script::refuse(refusal);
    }
    let count = random.below(6) as usize;
    let mut answer = Answer::new(MODEL, vec!["word "; count], tokens(random, format));
    answer.finish = random.pick(&[Finish::Stop, Finish::Length]);
    answer.reports = random.pick(&[
        Reports::Usual,
        Reports::Usual,
        Reports::Usual,
        Reports::First,
        Reports::Last,
        Reports::Both,
        Reports::Every,
        Reports::Never,
        Reports::Zeros,
    ]);
    answer.says_lifetimes = !random.one_in(4);
    answer.says_parts = !random.one_in(4);
    answer.id = format!("answer-{at}");
    // Bedrock does not say who served.
    if format != Format::Bedrock && random.one_in(4) {
        OTHER_MODEL.clone_into(&mut answer.model);
    }
    answer.tier = match random.below(8) {
        0 => Some("flex".to_owned()),
        1 => Some("ludicrous".to_owned()),
        _ => None,
    };
    let places = [
        At::Share(random.share()),
        At::Chunk(random.below(count as u64 + 4) as usize),
    ];
    let place = random.pick(&places);
    let chunk = random.below(count as u64 + 6) as usize;
    let fault = match random.below(12) {
        0 => Fault::Cut(place, Close::Fin),
        1 => Fault::Cut(place, Close::Reset),
        2 => Fault::Stall(place),
        3 => Fault::Fails(chunk),
        4 => Fault::WrongJson(random.share()),
        5 if stream => Fault::Duplicate(chunk),
        _ => Fault::None,
    };
    Script::answer(answer).fault(fault).share(random.share())
}

fn tokens(random: &mut Random, format: Format) -> Tokens {
    let mut some = |most: u64| {
        if random.one_in(2) {
            0
        } else {
            random.below(most)
        }
    };
    let (cache_read, five, hour) = (some(50_000), some(9_000), some(9_000));
    let (reasoning, web_searches) = (some(2_000), some(4));
    let plain = random.below(20_000) + 1;
    let writes = if format == Format::Gemini {
        (0, 0)
    } else {
        (five, hour)
    };
    Tokens {
        input: plain + cache_read + writes.0 + writes.1,
        output: reasoning + random.below(4_000) + 1,
        cache_read,
        cache_write_5m: writes.0,
        cache_write_1h: writes.1,
        reasoning,
        // Only these say how often they searched.
        web_searches: match format {
            Format::Responses | Format::Anthropic | Format::Gemini => web_searches,
            _ => 0,
        },
    }
}
