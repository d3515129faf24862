use super::*;
use crate::ast::Item;

fn held(text: &str) -> Option<Follow> {
    let Ok(Item::Function(function)) = syn::parse_str::<Item>(text) else {
        panic!("no function: {text}")
    };
    stream(&function, &shape::choose(&function, false))
}

#[test]
fn streams_in_results_and_in_the_output_of_futures_are_found() {
    for (text, expected) in [
        (
            "fn f() -> Result<impl Stream<Item = u8>, E> { g() }",
            Follow::Opaque,
        ),
        (
            "fn f() -> io::Result<impl futures::Stream<Item = u8> + Send + '_> { g() }",
            Follow::Opaque,
        ),
        (
            "fn f() -> Result<BoxStream<'static, u8>, E> { g() }",
            Follow::Boxed,
        ),
        (
            "async fn f() -> impl Stream<Item = u8> { g() }",
            Follow::Opaque,
        ),
        (
            "async fn f() -> Result<impl TryStream<Ok = u8, Error = E>, E> { g() }",
            Follow::Opaque,
        ),
        (
            "async fn f() -> (Pin<Box<dyn Stream<Item = u8> + Send>>) { g() }",
            Follow::Boxed,
        ),
        (
            "fn f() -> impl Future<Output = Result<impl Stream<Item = u8>, E>> + Send { g() }",
            Follow::Opaque,
        ),
        (
            "fn f() -> Pin<Box<dyn Future<Output = Result<BoxStream<'a, u8>, E>> + Send + 'a>> { Box::pin(g()) }",
            Follow::Boxed,
        ),
        (
            "fn f() -> Pin<Box<dyn Future<Output = Pin<Box<dyn Stream<Item = u8>>>>>> { Box::pin(g()) }",
            Follow::Boxed,
        ),
        (
            "fn f<'a>() -> BoxFuture<'a, Result<LocalBoxStream<'a, u8>, E>> { Box::pin(g()) }",
            Follow::Boxed,
        ),
    ] {
        assert_eq!(held(text), Some(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_wrapped_or_is_found_by_its_type_is_left() {
    for text in [
        // The value itself.
        "fn f() -> BoxStream<'static, u8> { g() }",
        // The box is made elsewhere: its future is followed, and that it gives a stream is not seen.
        "fn f() -> BoxFuture<'static, BoxStream<'static, u8>> { g() }",
        // A wrapper has no such bound.
        "fn f() -> Result<impl Stream<Item = u8> + Clone, E> { g() }",
        "async fn f() -> Option<impl Stream<Item = u8>> { g() }",
        "async fn f() -> Result<ReceiverStream<u8>, E> { g() }",
        "async fn f() -> Pin<Box<dyn Future<Output = BoxStream<'static, u8>>>> { g() }",
        "async fn f() -> Result<Vec<u8>, E> { g() }",
        "async fn f() {}",
        "async fn f() -> Result { g() }",
    ] {
        assert_eq!(held(text), None, "{text}");
    }
}

#[test]
fn returned_streams_are_followed_when_the_bounds_allow() {
    for (returned, expected) in [
        ("impl Stream<Item = u8>", Some(Follow::Direct)),
        (
            "impl a::Stream<Item = u8> + Send + Unpin + 'a",
            Some(Follow::Direct),
        ),
        ("impl TryStream<Ok = u8, Error = E>", Some(Follow::Direct)),
        ("impl FusedStream<Item = u8> + '_", Some(Follow::Direct)),
        ("impl Stream<Item = u8> + Clone", None),
        ("impl Stream<Item = u8> + Future<Output = u8>", None),
    ] {
        let text = format!("fn f() -> {returned} {{ g() }}");
        assert_eq!(held(&text), expected, "{returned}");
        // The caller of a closure would be another one.
        assert_eq!(held(&format!("#[track_caller] {text}")), None);
    }
}
