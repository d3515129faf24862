use super::*;

fn answer(id: &str, usage: Usage) -> LlmResponse {
    let answer = LlmResponse::new().usage(usage);
    if id.is_empty() { answer } else { answer.id(id) }
}

fn usages(attempts: &Attempts) -> Vec<(Option<u64>, Option<u64>)> {
    let of = |attempt: &Attempt| {
        let usage = attempt.response.usage.unwrap_or_default();
        (usage.input_tokens(), usage.output_tokens())
    };
    attempts.iter().map(of).collect()
}

fn ends(attempts: &Attempts) -> Vec<AttemptEnd> {
    attempts.iter().map(Attempt::end).collect()
}

#[test]
fn who_reports_the_same_answer_reports_one_attempt() {
    // The body by `answered`, the layer by what it read, the closure by the value: with an id, and in order.
    for id in ["chatcmpl-1", ""] {
        let mut attempts = Attempts::default();
        let at = attempts.layer("http", None);
        attempts.status(at, 200, None, false);
        attempts.said(at, answer(id, Usage::new(100, 20)));
        attempts.close(at);
        attempts.body(answer(id, Usage::new(100, 20)));
        attempts.value(answer(id, Usage::new(100, 20).cache_read(50)), false);
        attempts.complete();
        assert_eq!(usages(&attempts), [(Some(100), Some(20))], "{id}");
        assert_eq!(attempts.usage().unwrap().cache_read_tokens(), Some(50));
    }
}

#[test]
fn answers_of_a_body_that_repeats_add_up() {
    let mut attempts = Attempts::default();
    for n in 0..3 {
        attempts.body(answer("", Usage::new(100, n)));
    }
    attempts.complete();
    assert_eq!(attempts.count(), 3);
    let sum = attempts.usage().unwrap();
    assert_eq!(
        (sum.input_tokens(), sum.output_tokens()),
        (Some(300), Some(3))
    );
    // Chunks of one answer are one attempt, until its last word.
    let mut attempts = Attempts::default();
    for id in ["a", "b"] {
        attempts.body(answer(id, Usage::new(100, 1).partial()));
        attempts.body(answer(id, Usage::output(40).partial()));
        attempts.body(answer(id, Usage::output(50)));
        // One that comes twice says nothing new.
        attempts.body(answer(id, Usage::output(50)));
    }
    assert_eq!(usages(&attempts), [(Some(100), Some(50)); 2]);
}

#[test]
fn layers_within_each_other_see_one_attempt() {
    let mut attempts = Attempts::default();
    // The framework asks once; the client below it is refused and asks again.
    let outer = attempts.layer("framework", None);
    for status in [429, 200] {
        let at = attempts.layer("http", None);
        let wait = (status == 429).then_some(Duration::from_secs(2));
        attempts.status(at, status, wait, false);
        attempts.close(at);
    }
    attempts.close(outer);
    assert_eq!(attempts.count(), 2);
    assert_eq!(ends(&attempts), [AttemptEnd::Refused, AttemptEnd::Unknown]);
    assert_eq!(attempts.repeaters(), ["http"]);
    // Now the framework repeats too.
    let outer = attempts.layer("framework", None);
    let at = attempts.layer("http", None);
    assert_eq!(outer, at);
    assert_eq!(attempts.repeaters(), ["http", "framework"]);
    let first = attempts.iter().next().unwrap();
    assert_eq!(first.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!((first.status(), first.made_by()), (Some(429), "framework"));
}

#[test]
fn only_some_statuses_prove_a_refusal() {
    for status in [400, 401, 403, 404, 413, 422, 429] {
        assert!(crate::llm::attempt::proves_refusal(status), "{status}");
    }
    for status in [200, 301, 408, 499, 500, 502, 503, 504, 529] {
        assert!(!crate::llm::attempt::proves_refusal(status), "{status}");
    }
    // What is said to be used was used.
    let mut attempts = Attempts::default();
    let at = attempts.layer("http", None);
    attempts.said(at, answer("", Usage::new(5, 1)));
    attempts.status(at, 429, None, false);
    attempts.refused(at);
    assert_eq!(ends(&attempts), [AttemptEnd::Answered]);
}

#[test]
fn an_item_is_the_last_word_once_the_model_has_stopped() {
    let usage = |output| LlmResponse::new().usage(Usage::new(100, output));
    let stopped = || LlmResponse::new().finish(0, "stop");
    // Anthropic, and OpenAI: the reason comes with the usage, or before it.
    for items in [
        vec![usage(1), usage(50).finish(0, "stop")],
        vec![stopped(), usage(50)],
    ] {
        let mut attempts = Attempts::default();
        for item in items {
            attempts.value(item, true);
        }
        assert_eq!(ends(&attempts), [AttemptEnd::Answered]);
    }
    // Not known to be the last one.
    let mut attempts = Attempts::default();
    attempts.value(usage(1), true);
    assert_eq!(ends(&attempts), [AttemptEnd::Cut]);
    attempts.complete();
    assert_eq!(ends(&attempts), [AttemptEnd::Answered]);
    // The provider said that it is not.
    let mut attempts = Attempts::default();
    attempts.value(LlmResponse::new().usage(Usage::new(100, 1).partial()), true);
    attempts.complete();
    assert_eq!(ends(&attempts), [AttemptEnd::Cut]);
}

#[test]
fn very_many_attempts_stay_within_bounds() {
    let mut attempts = Attempts::default();
    for _ in 0..1_000 {
        attempts.body(answer("", Usage::new(1, 1)));
    }
    assert_eq!(attempts.count(), 1_000);
    assert_eq!(attempts.iter().count(), MOST);
    assert_eq!(attempts.usage().unwrap().input_tokens(), Some(1_000));
}

// bug: a value was taken for the answer of whatever request came last, and added to the answers that it sums up.
#[test]
fn a_value_is_of_the_answer_before_it_or_of_all() {
    let ask = |attempts: &mut Attempts, usage: Option<Usage>| {
        let at = attempts.layer("http", None);
        attempts.status(at, 200, None, false);
        if let Some(usage) = usage {
            attempts.said(at, answer("", usage));
        }
        attempts.close(at);
    };
    // A tool is asked with the same client, and says nothing of tokens.
    let mut attempts = Attempts::default();
    ask(&mut attempts, Some(Usage::new(1_000, 100)));
    ask(&mut attempts, None);
    attempts.value(answer("", Usage::new(1_000, 100)), false);
    assert_eq!(usages(&attempts), [(Some(1_000), Some(100)), (None, None)]);

    // Three rounds, of which the value is the sum.
    let mut attempts = Attempts::default();
    for _ in 0..3 {
        ask(&mut attempts, Some(Usage::new(100, 10)));
    }
    attempts.value(answer("", Usage::new(300, 30)), false);
    let sum = attempts.usage().unwrap();
    assert_eq!(
        (sum.input_tokens(), sum.output_tokens()),
        (Some(300), Some(30))
    );
}

// bug: what an outer layer said of its request went to the refusal that the inner one had repeated.
#[test]
fn what_an_outer_layer_says_is_of_the_answer() {
    for id in ["", "chatcmpl-1"] {
        let mut attempts = Attempts::default();
        let outer = attempts.layer("framework", None);
        let at = attempts.layer("http", None);
        attempts.status(at, 429, None, false);
        attempts.close(at);
        let at = attempts.layer("http", None);
        attempts.status(at, 200, None, false);
        attempts.said(at, answer(id, Usage::new(100, 20)));
        attempts.close(at);
        attempts.said(outer, answer(id, Usage::new(100, 20)));
        attempts.close(outer);
        attempts.complete();
        assert_eq!(ends(&attempts), [AttemptEnd::Refused, AttemptEnd::Answered]);
        assert_eq!(usages(&attempts)[1], (Some(100), Some(20)), "{id}");
    }
}

#[test]
fn a_bad_request_is_free_where_nobody_bills_it() {
    for (bills, end) in [(false, AttemptEnd::Refused), (true, AttemptEnd::Unknown)] {
        let mut attempts = Attempts::default();
        let at = attempts.layer("http", None);
        attempts.status(at, 400, None, bills);
        attempts.close(at);
        assert_eq!(ends(&attempts), [end]);
    }
}

// bug: behind the hundredth attempt the cumulative chunks of a stream were added up.
#[test]
fn chunks_of_late_attempts_are_cumulative() {
    let mut attempts = Attempts::default();
    for n in 0..150 {
        let id = format!("r{n}");
        for output in 1..=10 {
            attempts.body(answer(&id, Usage::new(100, output).partial()));
        }
        attempts.body(answer(&id, Usage::new(100, 10)));
    }
    attempts.complete();
    assert_eq!(attempts.count(), 150);
    assert_eq!(attempts.iter().count(), MOST);
    let sum = attempts.usage().unwrap();
    let sums = (sum.input_tokens(), sum.output_tokens());
    assert_eq!(sums, (Some(15_000), Some(1_500)));
    // A layer whose attempt is not kept any more says nothing of another one.
    let mut attempts = Attempts::default();
    let places: Vec<_> = (0..150)
        .map(|_| {
            let place = attempts.layer("http", None);
            attempts.close(place);
            place
        })
        .collect();
    assert_eq!(places, (0..150).collect::<Vec<_>>());
    attempts.said(120, answer("", Usage::new(9, 9)));
    assert_eq!(attempts.usage(), None);
    attempts.said(149, answer("", Usage::new(1, 2)));
    assert_eq!(usages(&attempts)[MOST - 1], (Some(1), Some(2)));
}

fn cost(attempts: &mut Attempts) -> Cost {
    attempts.complete();
    attempts.price(&mut |attempt| {
        let usage = attempt.usage().unwrap_or_default();
        let tokens = usage.input_tokens().unwrap_or(0) + usage.output_tokens().unwrap_or(0);
        let usd = crate::llm::price::Usd::from_f64(tokens as f64).unwrap();
        match attempt.end() {
            AttemptEnd::Answered => Cost::exactly(usd),
            _ => Cost::unbounded(usd, Reason::Cut),
        }
    })
}

// bug: what two streams said in turns without ids was taken for one answer, and called exact.
#[test]
fn interleaved_chunks_without_ids_are_no_last_word() {
    let start = |id: &str| answer(id, Usage::new(100, 1).partial()).chunk(true);
    let delta = |output| answer("", Usage::output(output)).chunk(true);
    for [one, other] in [[500, 40], [40, 500]] {
        let mut attempts = Attempts::default();
        attempts.body(start("a"));
        attempts.body(start("b"));
        attempts.body(delta(one));
        attempts.body(delta(other));
        assert_eq!(attempts.count(), 2);
        let cost = cost(&mut attempts);
        assert!(cost.at_least.as_f64() <= 740.0, "{cost}");
        assert_eq!(cost.at_most, None);
        assert!(cost.reasons.contains(Reason::Ambiguous));
    }
    // One after the other they are told apart.
    let mut attempts = Attempts::default();
    for id in ["a", "b"] {
        attempts.body(start(id));
        attempts.body(delta(500));
    }
    assert_eq!(cost(&mut attempts).to_string(), "$1200.00");
}

// bug: a stream that broke and the whole answer of the next attempt were one attempt.
#[test]
fn what_follows_a_broken_stream_may_be_another_answer() {
    let broken = || answer("", Usage::new(100, 30).partial()).chunk(true);
    let mut attempts = Attempts::default();
    attempts.body(broken());
    attempts.body(answer("", Usage::new(100, 50)));
    let found = cost(&mut attempts);
    assert_eq!((found.at_least.as_f64(), found.at_most), (150.0, None));
    // Another prompt is another request.
    let mut attempts = Attempts::default();
    attempts.body(broken());
    attempts.body(answer("", Usage::new(90, 50)));
    assert_eq!(attempts.count(), 2);
    assert_eq!(
        cost(&mut attempts).to_string(),
        "at least $270.00 (cut, unbounded)"
    );
}

// bug: layers within each other were paired by what was open last, whoever had asked.
#[test]
fn nested_layers_of_requests_at_once_are_told_apart() {
    let mut attempts = Attempts::default();
    let outer = [0, 1].map(|_| attempts.layer("framework", None));
    let inner = outer.map(|place| attempts.layer("http", Some(place)));
    assert_eq!(inner, outer);
    // The first of them is refused, and repeated by the inner layer.
    attempts.status(inner[0], 429, None, false);
    attempts.close(inner[0]);
    let again = attempts.layer("http", Some(outer[0]));
    attempts.said(again, answer("", Usage::new(100, 20)));
    attempts.said(inner[1], answer("", Usage::new(70, 7)));
    attempts.said(outer[0], answer("", Usage::new(100, 20)));
    attempts.said(outer[1], answer("", Usage::new(70, 7)));
    assert_eq!(attempts.count(), 3);
    assert_eq!(cost(&mut attempts).to_string(), "$197.00");
}

#[test]
fn layers_that_do_not_say_what_they_are_within_count_once() {
    for reversed in [false, true] {
        let mut attempts = Attempts::default();
        let outer = [0, 1].map(|_| attempts.layer("framework", None));
        let mut inner = [0, 1].map(|_| attempts.layer("http", None));
        if reversed {
            inner.reverse();
        }
        for (place, usage) in outer.into_iter().chain(inner).zip([10, 20, 10, 20]) {
            attempts.said(place, answer("", Usage::new(usage, 0)));
        }
        assert_eq!(attempts.count(), 2);
        assert_eq!(attempts.usage().unwrap().input_tokens(), Some(30));
        let cost = cost(&mut attempts);
        assert_eq!((cost.at_least.as_f64(), cost.at_most), (30.0, None));
        assert!(cost.reasons.contains(Reason::Ambiguous));
    }
}

#[test]
fn a_request_that_is_withdrawn_was_none() {
    let mut attempts = Attempts::default();
    let models = attempts.layer("http", None);
    let chat = attempts.layer("other", None);
    assert_eq!(models, chat);
    attempts.close(chat);
    attempts.withdraw(models);
    assert_eq!((attempts.count(), attempts.decisive()), (0, None));
    let chat = attempts.layer("http", None);
    attempts.said(chat, answer("", Usage::new(1, 2)));
    assert_eq!(attempts.count(), 1);
    assert_eq!(cost(&mut attempts).to_string(), "$3.00");
    assert_eq!(attempts.into_vec().len(), 1);
}

// bug: the status of a request that nobody saw was that of the answer before it, and what it cost nothing.
#[test]
fn a_failure_behind_an_answer_is_that_of_another_request() {
    let mut attempts = Attempts::default();
    attempts.body(answer("a", Usage::new(100, 20)));
    attempts.last_status(500, None);
    assert_eq!(ends(&attempts), [AttemptEnd::Answered, AttemptEnd::Unknown]);
    // An answer that was refused for what it holds, and one that a layer has seen.
    let mut attempts = Attempts::default();
    attempts.body(answer("a", Usage::new(100, 20)));
    attempts.last_status(200, None);
    let at = attempts.layer("http", None);
    attempts.status(at, 429, None, false);
    attempts.last_status(429, Some(Duration::from_secs(1)));
    assert_eq!(ends(&attempts), [AttemptEnd::Answered, AttemptEnd::Refused]);
}

#[test]
fn what_was_not_sent_proves_nothing_of_what_was() {
    let mut attempts = Attempts::default();
    attempts.unsent();
    assert_eq!(ends(&attempts), [AttemptEnd::Refused]);
    // A layer saw a request that broke off; the next one could not be written.
    let mut attempts = Attempts::default();
    let at = attempts.layer("http", None);
    attempts.status(at, 502, None, false);
    attempts.close(at);
    attempts.unsent();
    assert_eq!(ends(&attempts), [AttemptEnd::Unknown]);
    let mut attempts = Attempts::default();
    attempts.body(answer("a", Usage::new(100, 20).partial()));
    attempts.unsent();
    assert_eq!(ends(&attempts), [AttemptEnd::Cut]);
}
