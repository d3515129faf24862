//! What an annotated function returns: inference, coercions, `impl Trait`, aliases, odd types.

#![allow(
    clippy::all,
    clippy::pedantic,
    unused_parens,
    reason = "the code that users write is what is tested"
)]

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{block_on, ended, yield_now};

// case: 17
#[test]
fn the_declared_type_drives_inference() {
    #[traced]
    fn collected() -> Vec<u64> {
        (0..3).collect()
    }
    #[traced]
    fn into() -> Result<String, Box<dyn std::error::Error>> {
        let text = "a".into();
        Ok(text)
    }
    #[traced]
    fn default() -> (u8, BTreeMap<u8, String>) {
        Default::default()
    }
    #[traced]
    async fn parsed(text: &str) -> Result<i64, std::num::ParseIntError> {
        yield_now().await;
        text.parse()
    }
    #[traced]
    async fn sum() -> u64 {
        let list = [1, 2];
        list.iter().sum()
    }
    #[traced]
    async fn literal(early: bool) -> u64 {
        if early {
            return 5_000_000_000;
        }
        Default::default()
    }
    #[traced]
    fn transposed(list: &[&str]) -> Result<Option<Vec<u8>>, std::num::ParseIntError> {
        Ok(Some(
            list.iter().map(|t| t.parse()).collect::<Result<_, _>>()?,
        ))
    }
    assert_eq!(collected(), [0, 1, 2]);
    assert_eq!(into().unwrap(), "a");
    assert_eq!(default(), (0, BTreeMap::new()));
    assert_eq!(block_on(parsed("7")), Ok(7));
    assert_eq!(block_on(sum()), 3);
    assert_eq!(block_on(literal(true)), 5_000_000_000);
    assert_eq!(transposed(&["1", "2"]), Ok(Some(vec![1, 2])));
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

// case: 18
#[test]
fn values_are_coerced_to_the_declared_type() {
    #[traced]
    fn in_ok(early: bool) -> Result<Box<dyn Debug>, BoxError> {
        if early {
            return Ok(Box::new(1));
        }
        Ok(Box::new("tail"))
    }
    #[traced]
    async fn in_ok_async(early: bool) -> Result<Box<dyn Debug>, BoxError> {
        if early {
            return Ok(Box::new(1));
        }
        yield_now().await;
        Ok(Box::new("tail"))
    }
    #[traced]
    fn future(early: bool) -> Result<BoxFuture<u8>, BoxError> {
        if early {
            return Err("early".into());
        }
        Ok(Box::pin(async { 1 }))
    }
    #[traced]
    async fn future_async() -> Result<BoxFuture<u8>, BoxError> {
        Ok(Box::pin(async { 2 }))
    }
    #[traced]
    fn slice(list: &[u8; 3]) -> &[u8] {
        list
    }
    #[traced]
    fn slice_in_result(list: &[u8; 3]) -> Result<&[u8], ()> {
        Ok(list)
    }
    #[traced]
    fn pointer(early: bool) -> fn(u8) -> u8 {
        if early {
            return |x| x + 1;
        }
        |x| x + 2
    }
    #[traced]
    async fn pointer_async(early: bool) -> fn(u8) -> u8 {
        if early {
            return |x| x + 1;
        }
        |x| x + 2
    }
    #[traced]
    fn boxed(early: bool) -> Box<dyn Fn() -> u8> {
        if early {
            return Box::new(|| 1);
        }
        Box::new(move || u8::from(early))
    }
    #[traced]
    async fn text(owned: &String, early: bool) -> &str {
        if early {
            return owned;
        }
        owned
    }
    assert_eq!(format!("{:?}", in_ok(true).unwrap()), "1");
    assert_eq!(format!("{:?}", in_ok(false).unwrap()), "\"tail\"");
    assert_eq!(format!("{:?}", block_on(in_ok_async(true)).unwrap()), "1");
    assert!(future(true).is_err());
    assert_eq!(block_on(future(false).unwrap()), 1);
    assert_eq!(block_on(block_on(future_async()).unwrap()), 2);
    assert_eq!(slice(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(slice_in_result(&[1, 2, 3]).unwrap(), [1, 2, 3]);
    assert_eq!((pointer(true)(1), pointer(false)(1)), (2, 3));
    assert_eq!(block_on(pointer_async(false))(1), 3);
    assert_eq!((boxed(true)(), boxed(false)()), (1, 0));
    assert_eq!(block_on(text(&"a".to_owned(), true)), "a");
}

// case: 19
#[test]
fn impl_trait_anywhere_in_the_type() {
    #[traced]
    fn top(n: u8) -> impl Iterator<Item = u8> + Clone + use<> {
        0..n
    }
    #[traced]
    fn in_result(n: u8) -> Result<impl Iterator<Item = impl Display>, String> {
        if n == 0 {
            return Err("none".to_owned());
        }
        Ok(0..n)
    }
    #[traced]
    fn nested(n: u8) -> Option<(impl Fn(u8) -> u8, Vec<impl Display>)> {
        Some((move |x| x + n, vec![n]))
    }
    #[traced]
    async fn nested_async(n: u8) -> Result<(impl Fn(u8) -> u8, [impl Display; 1]), impl Display> {
        if n == 0 {
            return Err("zero");
        }
        Ok((move |x| x + n, [n]))
    }
    #[traced]
    fn in_dyn() -> Box<dyn Iterator<Item = Option<Box<dyn Debug>>>> {
        Box::new(std::iter::once(None))
    }
    #[traced]
    fn error_only(n: u8) -> Result<u8, impl Display> {
        if n == 0 { Err("zero") } else { Ok(n) }
    }
    assert_eq!(top(2).clone().count(), 2);
    let captured = capture(|| {
        assert_eq!(in_result(2).unwrap().count(), 2);
        assert!(in_result(0).is_err());
        assert_eq!(nested(1).unwrap().0(1), 2);
        assert_eq!(block_on(nested_async(1)).ok().unwrap().0(1), 2);
        assert!(block_on(nested_async(0)).is_err());
        assert_eq!(in_dyn().count(), 1);
        assert!(error_only(0).is_err());
    });
    let expected = [
        "in_result ok",
        "in_result error",
        "nested ok",
        "nested_async ok",
        "nested_async error",
        "in_dyn ok",
        "error_only error",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 20
#[test]
fn aliases_of_result_are_seen_by_type() {
    type WithDefault<T, E = String> = Result<T, E>;
    type Whole = Result<(), String>;
    type Misleading = u8;
    #[traced]
    fn with_default() -> WithDefault<u8> {
        Err("default".to_owned())
    }
    #[traced]
    async fn whole() -> Whole {
        Err("whole".to_owned())
    }
    #[traced]
    fn io() -> std::io::Result<()> {
        Err(std::io::Error::other("io"))
    }
    #[traced]
    fn format() -> std::fmt::Result {
        Err(std::fmt::Error)
    }
    #[traced(err)]
    fn asked() -> Whole {
        Err("asked".to_owned())
    }
    #[traced]
    fn misleading() -> Misleading {
        1
    }
    mod mine {
        pub(super) struct Result<T>(pub(super) T);
    }
    #[traced]
    fn no_result() -> mine::Result<u8> {
        mine::Result(1)
    }
    let captured = capture(|| {
        assert!(with_default().is_err());
        assert!(block_on(whole()).is_err());
        assert!(io().is_err());
        assert!(format().is_err());
        assert!(asked().is_err());
        assert_eq!(misleading() + no_result().0, 2);
    });
    let expected = [
        "with_default error",
        "whole error",
        "io error",
        "format error",
        "asked error",
        "misleading ok",
        "no_result ok",
    ];
    assert_eq!(ended(&captured), expected);
}

trait HasOutcome {
    type Outcome;
    fn fail() -> <Self as HasOutcome>::Outcome;
    fn short() -> Self::Outcome;
}

impl HasOutcome for u8 {
    type Outcome = Result<u8, String>;
    #[traced]
    fn fail() -> <Self as HasOutcome>::Outcome {
        Err("qualified".to_owned())
    }
    #[traced]
    fn short() -> Self::Outcome {
        Err("short".to_owned())
    }
}

// case: 21
#[test]
fn odd_spellings_of_types() {
    #[traced]
    fn colon() -> ::std::result::Result<u8, ::std::string::String> {
        ::std::result::Result::Err("colon".to_owned())
    }
    #[traced]
    fn parenthesised() -> (Result<u8, String>) {
        Err("parenthesised".to_owned())
    }
    #[traced]
    async fn qualified() -> <u8 as HasOutcome>::Outcome {
        Err("qualified".to_owned())
    }
    #[traced]
    fn call_sugar() -> Result<Box<dyn Fn(u8) -> Result<u8, String>>, String> {
        Ok(Box::new(Ok))
    }
    #[traced]
    fn pointers() -> (for<'a> fn(&'a u8) -> &'a u8) {
        |x| x
    }
    let captured = capture(|| {
        assert!(colon().is_err());
        assert!(parenthesised().is_err());
        assert!(block_on(qualified()).is_err());
        assert_eq!(call_sugar().unwrap()(1), Ok(1));
        assert!(<u8 as HasOutcome>::fail().is_err() && u8::short().is_err());
        assert_eq!(*pointers()(&1), 1);
    });
    let expected = [
        "colon error",
        "parenthesised error",
        "qualified error",
        "call_sugar ok",
        "fail error",
        "short error",
        "pointers ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 22
#[test]
fn only_an_err_of_a_result_is_an_error() {
    struct Zst;
    #[traced]
    fn option() -> Option<u8> {
        None
    }
    #[traced]
    async fn flow() -> ControlFlow<u8> {
        ControlFlow::Break(1)
    }
    #[traced]
    fn poll() -> Poll<Result<u8, String>> {
        Poll::Ready(Err(String::new()))
    }
    #[traced]
    fn nested(n: u8) -> Result<Option<Result<u8, u8>>, u8> {
        if n == 0 { Err(0) } else { Ok(Some(Err(n))) }
    }
    #[traced]
    fn infallible() -> Result<u8, Infallible> {
        Ok(1)
    }
    #[traced]
    async fn only_error() -> Result<Infallible, u8> {
        Err(1)
    }
    #[traced]
    fn pointer(n: &u8) -> *const u8 {
        n
    }
    #[traced]
    fn array() -> [Result<u8, u8>; 2] {
        [Ok(1), Err(2)]
    }
    #[traced]
    fn zst() -> Zst {
        Zst
    }
    #[traced(error_if = |found| found.is_none())]
    fn none_is_an_error() -> Option<u8> {
        None
    }
    let captured = capture(|| {
        assert_eq!(option(), None);
        assert!(block_on(flow()).is_break());
        assert!(poll().is_ready());
        assert_eq!(nested(1), Ok(Some(Err(1))));
        assert_eq!(nested(0), Err(0));
        assert_eq!(infallible(), Ok(1));
        assert!(block_on(only_error()).is_err());
        let n = 1;
        assert!(std::ptr::eq(pointer(&n), &raw const n));
        assert_eq!(array(), [Ok(1), Err(2)]);
        let Zst = zst();
        assert_eq!(none_is_an_error(), None);
    });
    let expected = [
        "option ok",
        "flow ok",
        "poll ok",
        "nested ok",
        "nested error",
        "infallible ok",
        "only_error error",
        "pointer ok",
        "array ok",
        "zst ok",
        "none_is_an_error error",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 23 (an explicit `err` on a type without the trait: ui/traced_field_types.rs)
#[test]
fn errors_without_any_trait() {
    struct Mute<'a>(#[allow(dead_code)] std::rc::Rc<&'a u8>);
    #[traced]
    fn sync<'a>(n: &'a u8) -> Result<u8, Mute<'a>> {
        Err(Mute(std::rc::Rc::new(n)))
    }
    #[traced]
    async fn future<'a>(n: &'a u8) -> Result<u8, Mute<'a>> {
        yield_now().await;
        Err(Mute(std::rc::Rc::new(n)))
    }
    #[traced]
    fn unsized_error() -> Result<u8, Box<dyn std::any::Any>> {
        Err(Box::new(1))
    }
    let captured = capture(|| {
        assert!(sync(&1).is_err());
        assert!(block_on(future(&1)).is_err());
        assert!(unsized_error().is_err());
    });
    let expected = ["sync error", "future error", "unsized_error error"];
    assert_eq!(ended(&captured), expected);
    let messages = captured.spans.iter().map(|s| s.error.as_ref().unwrap());
    let texts: Vec<_> = messages.map(|e| e.message.as_deref()).collect();
    assert_eq!(texts, [None, None, Some("Any { .. }")]);
}

// case: 24
#[test]
fn returned_futures_closures_and_guards_keep_lifetimes() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    #[traced]
    fn future<'a>(n: &'a u8) -> Result<impl Future<Output = &'a u8> + Send + 'a, String> {
        Ok(async move { n })
    }
    #[traced]
    fn closure<'a>(n: &'a mut u8) -> Result<impl FnMut() -> u8 + Send + 'a, ()> {
        Ok(move || {
            *n += 1;
            *n
        })
    }
    #[traced]
    fn lock(mutex: &Mutex<u8>) -> Result<MutexGuard<'_, u8>, String> {
        mutex.lock().map_err(|error| error.to_string())
    }
    #[traced]
    fn borrowed(cell: &RefCell<Vec<u8>>) -> Ref<'_, [u8]> {
        Ref::map(cell.borrow(), |list| &list[..])
    }
    #[traced]
    async fn lock_async(mutex: &Mutex<u8>) -> Option<MutexGuard<'_, u8>> {
        yield_now().await;
        mutex.lock().ok()
    }
    let mut n = 1;
    assert_eq!(*block_on(is_send(future(&n).unwrap())), 1);
    assert_eq!(is_send(closure(&mut n).unwrap())(), 2);
    let mutex = Mutex::new(n);
    *lock(&mutex).unwrap() += 1;
    assert_eq!(block_on(lock_async(&mutex)).as_deref(), Some(&3));
    assert_eq!(*borrowed(&RefCell::new(vec![1])), [1]);
}
