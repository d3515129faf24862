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
        let at = attempts.layer("http");
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
    let outer = attempts.layer("framework");
    for status in [429, 200] {
        let at = attempts.layer("http");
        let wait = (status == 429).then_some(Duration::from_secs(2));
        attempts.status(at, status, wait, false);
        attempts.close(at);
    }
    attempts.close(outer);
    assert_eq!(attempts.count(), 2);
    assert_eq!(ends(&attempts), [AttemptEnd::Refused, AttemptEnd::Unknown]);
    assert_eq!(attempts.repeaters(), ["http"]);
    // Now the framework repeats too.
    let outer = attempts.layer("framework");
    let at = attempts.layer("http");
    assert_eq!(outer, at);
    assert_eq!(attempts.repeaters(), ["http", "framework"]);
    let first = attempts.iter().next().unwrap();
    assert_eq!(first.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!((first.status(), first.made_by()), (Some(429), "framework"));
}

#[test]
fn only_some_statuses_prove_a_refusal() {
    for status in [400, 401, 403, 404, 413, 422, 429] {
        assert!(proves_refusal(status), "{status}");
    }
    for status in [200, 301, 408, 499, 500, 502, 503, 504, 529] {
        assert!(!proves_refusal(status), "{status}");
    }
    // What is said to be used was used.
    let mut attempts = Attempts::default();
    let at = attempts.layer("http");
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
        let at = attempts.layer("http");
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
        let outer = attempts.layer("framework");
        let at = attempts.layer("http");
        attempts.status(at, 429, None, false);
        attempts.close(at);
        let at = attempts.layer("http");
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
        let at = attempts.layer("http");
        attempts.status(at, 400, None, bills);
        attempts.close(at);
        assert_eq!(ends(&attempts), [end]);
    }
}
