use super::*;
use crate::llm::measured::llm_begin;
use crate::llm::{Cost, LlmTotals, Usage};
use crate::trace::measured::End;
use crate::{Instrument as _, testing};

fn totals(work: impl FnOnce()) -> LlmTotals {
    testing::capture(|| {
        work();
        let state = crate::llm::LlmState::at(crate::trace::measured::Here::now());
        state.unwrap().totals()
    })
    .value
}

/// A call whose body works now.
fn calling(work: impl FnOnce()) {
    let mut call = llm_begin("openai", "chat", "gpt-4o-mini");
    let open = call.place().map(crate::trace::open_call::Open::new);
    work();
    drop(open);
    call.end(End::Ok);
}

#[test]
fn the_innermost_call_takes_the_report() {
    let totals = totals(|| {
        calling(|| {
            answered((1_000, 100));
            let mut inner = llm_begin("house", "chat", "own");
            let open = inner.place().map(crate::trace::open_call::Open::new);
            answered((7, 1));
            drop(open);
            inner.end(End::Ok);
            assert!(RunningCall::current().is_some());
        });
        assert!(RunningCall::current().is_none());
    });
    let [own, mini] = &*totals.by_model else {
        panic!("{totals:?}")
    };
    assert_eq!((&*own.model, own.usage), ("own", Usage::new(7, 1)));
    assert_eq!(mini.usage, Usage::new(1_000, 100));
    assert!(mini.cost.is_exact());
}

#[test]
fn a_report_outside_of_a_call_is_a_call_of_its_own() {
    let totals = totals(|| answered(Usage::new(10, 1)));
    assert_eq!((totals.calls, totals.usage), (1, Usage::new(10, 1)));
    assert_eq!(
        totals.cost,
        Cost::unknown(crate::llm::Reason::UnpricedModel)
    );
}

#[test]
fn a_task_and_a_thread_take_the_call_along() {
    let totals = totals(|| {
        calling(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .build()
                .unwrap();
            let task = async {
                tokio::task::yield_now().await;
                answered(Usage::new(1_000, 0));
            };
            let task = runtime.spawn(task.in_current_span());
            runtime.block_on(task).unwrap();
            let call = RunningCall::current().unwrap();
            std::thread::spawn(move || call.answered((1, 2)))
                .join()
                .unwrap();
        });
    });
    assert_eq!((totals.calls, totals.attempts), (1, 2));
    assert_eq!(totals.usage, Usage::new(1_001, 2));
}

#[test]
fn attempts_are_counted_with_what_they_were_told() {
    let captured = testing::capture(|| {
        calling(|| {
            for _ in 0..2 {
                attempt("sdk").status(429, Some(Duration::from_millis(1_500)));
            }
            let last = attempt("sdk");
            last.status(200, None);
            last.answered((1_000, 100));
        });
    });
    let counted = |name: &str| {
        let family = captured.metrics.iter().find(|f| f.name == name);
        format!("{:?}", family.map(|f| &f.data))
    };
    assert!(counted("obs.llm.rate_limited").contains("U64(2)"));
    assert!(counted("obs.llm.retries").contains("U64(2)"));
    assert!(counted("obs.llm.retry_after").contains("count: 2"));
    assert!(!counted("obs.llm.unpriced").contains("U64"));
}

#[test]
fn without_a_call_an_attempt_is_nothing() {
    let attempt = attempt("sdk");
    attempt.status(200, None);
    attempt.answered((1, 1));
    attempt.refused();
}
