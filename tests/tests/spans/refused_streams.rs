//! `refused = |error| …` and `llm::ProviderError` where a call gives a stream, or an error in its place.

use futures_executor::block_on;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use obs_runtime::llm::{AttemptEnd, ProviderError};
use obs_runtime::llm_call;
use obs_runtime::testing::{Captured, capture};
use obs_tests::cases::yield_now;

/// What a client says of a failure of the request.
#[derive(Debug)]
struct Failed(u16);

/// What a client says of a failure of the stream.
#[derive(Debug)]
struct Broken(u16);

impl ProviderError for Failed {
    fn status(&self) -> Option<u16> {
        Some(self.0)
    }
}

impl ProviderError for Broken {
    fn status(&self) -> Option<u16> {
        Some(self.0)
    }
}

/// An error in place of the stream, or else one as its first item.
#[derive(Clone, Copy)]
struct Fails {
    now: Option<u16>,
    later: u16,
}

const fn now(status: u16) -> Fails {
    Fails {
        now: Some(status),
        later: 0,
    }
}

const fn later(status: u16) -> Fails {
    Fails {
        now: None,
        later: status,
    }
}

/// One function of each form, which asks a client that knows the status.
mod by_type {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    pub(super) async fn same(
        fails: Fails,
    ) -> Result<impl Stream<Item = Result<u8, Failed>>, Failed> {
        yield_now().await;
        match fails.now {
            Some(status) => Err(Failed(status)),
            None => Ok(stream::iter([Err(Failed(fails.later))])),
        }
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    pub(super) async fn other(
        fails: Fails,
    ) -> Result<BoxStream<'static, Result<u8, Broken>>, Failed> {
        match fails.now {
            Some(status) => Err(Failed(status)),
            None => Ok(stream::iter([Err(Broken(fails.later))]).boxed()),
        }
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    pub(super) fn at_once(fails: Fails) -> Result<impl Stream<Item = Result<u8, Broken>>, Failed> {
        match fails.now {
            Some(status) => Err(Failed(status)),
            None => Ok(stream::iter([Err(Broken(fails.later))])),
        }
    }

    pub(super) struct Client;

    #[async_trait::async_trait]
    pub(super) trait Model {
        async fn ask(&self, fails: Fails)
        -> Result<BoxStream<'static, Result<u8, Failed>>, Failed>;
    }

    #[async_trait::async_trait]
    impl Model for Client {
        #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
        async fn ask(
            &self,
            fails: Fails,
        ) -> Result<BoxStream<'static, Result<u8, Failed>>, Failed> {
            match fails.now {
                Some(status) => Err(Failed(status)),
                None => Ok(stream::iter([Err(Failed(fails.later))]).boxed()),
            }
        }
    }
}

/// The same, where the program says which errors are free.
mod by_closure {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, refused = |error| error == "429")]
    pub(super) async fn same(
        fails: Fails,
    ) -> Result<impl Stream<Item = Result<u8, String>>, String> {
        yield_now().await;
        match fails.now {
            Some(status) => Err(status.to_string()),
            None => Ok(stream::iter([Err(fails.later.to_string())])),
        }
    }

    /// The closure is about the error of the request; that of the items says for itself what it proves.
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, refused = |error: &Failed| error.0 == 429)]
    pub(super) async fn other(
        fails: Fails,
    ) -> Result<impl Stream<Item = Result<u8, String>>, Failed> {
        match fails.now {
            Some(status) => Err(Failed(status)),
            None => Ok(stream::iter([Err(fails.later.to_string())])),
        }
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, refused = |error| error.0 == 429)]
    pub(super) fn plain_items(fails: Fails) -> Result<impl Stream<Item = u8>, Failed> {
        match fails.now {
            Some(status) => Err(Failed(status)),
            None => Ok(stream::iter([1])),
        }
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, refused = |error| error == "429")]
    pub(super) fn direct(fails: Fails) -> impl Stream<Item = Result<u8, String>> {
        stream::iter([Err(fails.later.to_string())])
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, refused = |error| error == "429")]
    pub(super) async fn direct_later(fails: Fails) -> BoxStream<'static, Result<u8, String>> {
        stream::iter([Err(fails.later.to_string())]).boxed()
    }
}

/// Reads what a call gave, whatever it is.
async fn read<T, E, F>(call: impl Future<Output = Result<impl Stream<Item = Result<T, E>>, F>>) {
    if let Ok(items) = call.await {
        items.for_each(async |_| ()).await;
    }
}

/// What a call cost whose only attempt ended like this.
#[track_caller]
fn assert_end(captured: &Captured<()>, end: AttemptEnd) {
    let [call] = &captured.llm_calls[..] else {
        panic!("{:?}", captured.llm_calls)
    };
    assert_eq!(call.attempts().len(), 1);
    assert_eq!(call.attempts()[0].end(), end);
    let is_free = end == AttemptEnd::Refused;
    assert_eq!(call.cost().is_exact(), is_free, "{}", call.cost());
    assert!(call.error_type().is_some());
}

// bug: an error in place of a stream proved nothing, whatever it was.
#[test]
fn an_error_in_place_of_a_stream_says_what_it_proves() {
    use by_type::Model as _;
    for (status, end) in [(429, AttemptEnd::Refused), (500, AttemptEnd::Unknown)] {
        for fails in [now(status), later(status)] {
            let calls: [&dyn Fn(); 4] = [
                &|| block_on(read(by_type::same(fails))),
                &|| block_on(read(by_type::other(fails))),
                &|| block_on(read(async { by_type::at_once(fails) })),
                &|| block_on(read(by_type::Client.ask(fails))),
            ];
            for call in calls {
                let captured = capture(call);
                assert_end(&captured, end);
                let attempt = &captured.llm_calls[0].attempts()[0];
                assert_eq!(attempt.status(), Some(status));
            }
        }
    }
}

#[test]
fn the_program_says_what_an_error_in_place_of_a_stream_proves() {
    for (status, end) in [(429, AttemptEnd::Refused), (500, AttemptEnd::Unknown)] {
        for fails in [now(status), later(status)] {
            assert_end(&capture(|| block_on(read(by_closure::same(fails)))), end);
        }
        assert_end(
            &capture(|| block_on(read(by_closure::other(now(status))))),
            end,
        );
        assert_end(
            &capture(|| drop(by_closure::plain_items(now(status)).map(drop))),
            end,
        );
        let direct = async { Ok::<_, ()>(by_closure::direct(later(status))) };
        assert_end(&capture(|| block_on(read(direct))), end);
        let direct = async { Ok::<_, ()>(by_closure::direct_later(later(status)).await) };
        assert_end(&capture(|| block_on(read(direct))), end);
    }
    // An item of another type than the closure sees.
    let captured = capture(|| block_on(read(by_closure::other(later(429)))));
    assert_end(&captured, AttemptEnd::Unknown);
    let captured = capture(|| block_on(by_closure::plain_items(later(0)).unwrap().count()));
    assert_eq!(captured.value, 1);
    assert_eq!(captured.llm_calls[0].error_type(), None);
}
