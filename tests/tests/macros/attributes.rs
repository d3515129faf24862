//! Annotated functions with other attributes and macros around them, and source positions.

#![allow(
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    reason = "the code that users write is what is tested"
)]

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use obs_runtime::testing::{capture, capture_async};
use obs_runtime::traced;
use obs_tests::cases::{block_on, ended, tree, yield_now};

mod kept {
    use obs_runtime::traced;

    /// Documented.
    #[traced]
    #[inline(never)]
    #[cold]
    #[must_use = "the value"]
    #[deprecated(since = "1.0.0", note = "for the test")]
    #[cfg(all())]
    #[cfg_attr(all(), doc = "More.")]
    #[unsafe(no_mangle)]
    pub extern "C" fn obs_case_49(n: u8) -> u8 {
        n + 1
    }

    #[cfg(target_arch = "x86_64")]
    #[traced]
    #[target_feature(enable = "sse2")]
    pub fn vectors(n: u8) -> Result<u8, ()> {
        Ok(n)
    }

    #[traced]
    #[cfg(any())]
    pub fn gone() -> NoSuchType {}

    #[inline(always)]
    #[traced]
    #[expect(unused_variables)]
    pub async fn above_and_below() -> u8 {
        let unused = 0;
        1
    }
}

// case: 49
#[test]
fn other_attributes_stay() {
    mod declared {
        unsafe extern "C" {
            pub(super) safe fn obs_case_49(n: u8) -> u8;
        }
    }
    #[expect(deprecated)]
    let direct: extern "C" fn(u8) -> u8 = kept::obs_case_49;
    let captured = capture(|| (direct(1), declared::obs_case_49(2)));
    assert_eq!(captured.value, (2, 3));
    assert_eq!(captured.spans.len(), 2);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2.
    assert_eq!(unsafe { kept::vectors(1) }, Ok(1));
    assert_eq!(block_on(kept::above_and_below()), 1);
}

// case: 50 (rustc reports an expectation that nothing fulfils, and `warnings` are denied)
#[deny(warnings, unfulfilled_lint_expectations)]
mod expectations {
    #[obs_runtime::traced]
    #[expect(dead_code)]
    fn never_called() -> Result<u8, String> {
        Ok(1)
    }
    #[obs_runtime::traced]
    #[expect(dead_code)]
    async fn never_called_async() -> u8 {
        1
    }
    #[obs_runtime::traced]
    #[expect(unused_variables)]
    pub(super) fn unused(n: u8) -> Result<u8, String> {
        Ok(1)
    }
    #[obs_runtime::traced]
    #[expect(unused_mut)]
    pub(super) async fn mutable(mut n: u8) -> u8 {
        n
    }
}

#[test]
fn expectations_are_those_of_the_users_code() {
    assert_eq!(expectations::unused(0), Ok(1));
    assert_eq!(block_on(expectations::mutable(1)), 1);
}

// case: 51, 52
#[test]
fn source_positions_of_the_body() {
    #[traced]
    #[track_caller]
    fn fallible(early: bool) -> Result<&'static Location<'static>, u8> {
        if early {
            return Ok(Location::caller());
        }
        Ok(Location::caller())
    }
    #[track_caller]
    #[traced]
    fn outside(n: u8) -> &'static Location<'static> {
        let _ = n;
        Location::caller()
    }
    #[traced]
    fn positions() -> Result<(u32, u32, &'static str, &'static str, u32), ()> {
        #[rustfmt::skip]
        let at = (line!(), column!(), file!(), module_path!(), Location::caller().line());
        Ok(at)
    }
    #[traced]
    async fn positions_async() -> (u32, &'static str) {
        (line!(), module_path!())
    }
    for early in [true, false] {
        let location = fallible(early).unwrap();
        assert_eq!((location.line(), location.file()), (line!() - 1, file!()));
    }
    assert_eq!(outside(1).line(), line!());
    let (line, column, file, module, caller) = positions().unwrap();
    assert_eq!((column, file, module), (28, file!(), module_path!()));
    // `Location::caller()` in a function without `#[track_caller]` is the place of the call itself.
    assert_eq!(caller, line);
    let (later, module) = block_on(positions_async());
    assert_eq!((later, module), (line + 5, module_path!()));
}

#[async_trait]
trait Service: Send + Sync {
    async fn load(&self, n: u8) -> Result<u8, String>;
    async fn consume(self: Box<Self>) -> u8;
    async fn share(self: Arc<Self>, (a, b): (u8, u8)) -> u8;
    async fn create() -> Self
    where
        Self: Sized;
    #[traced]
    async fn provided(&self, text: &str) -> usize {
        self.load(1).await.map_or(0, usize::from) + text.len()
    }
}

struct Real(u8);

#[async_trait]
impl Service for Real {
    #[traced(fields(n))]
    async fn load(&self, n: u8) -> Result<u8, String> {
        yield_now().await;
        if n == self.0 {
            return Err("same".to_owned());
        }
        Ok(n)
    }
    #[traced]
    async fn consume(self: Box<Self>) -> u8 {
        yield_now().await;
        self.0
    }
    #[traced(fields(self.0))]
    async fn share(self: Arc<Self>, (a, b): (u8, u8)) -> u8 {
        a + b + self.0
    }
    #[traced]
    async fn create() -> Self {
        Self(1)
    }
}

#[async_trait(?Send)]
trait Local {
    async fn local(&self) -> u8;
}

#[async_trait(?Send)]
impl Local for Real {
    #[traced]
    async fn local(&self) -> u8 {
        let rc = std::rc::Rc::new(self.0);
        yield_now().await;
        *rc
    }
}

// case: 54
#[tokio::test]
async fn async_trait_outside() {
    let captured = capture_async(async {
        let real: Box<dyn Service> = Box::new(Real::create().await);
        assert_eq!(real.load(1).await, Err("same".to_owned()));
        assert_eq!(real.provided("ab").await, 2);
        let shared: Arc<dyn Service> = Arc::new(Real(3));
        assert_eq!(shared.share((1, 2)).await, 6);
        assert_eq!(real.consume().await, 1);
        assert_eq!(Real(4).local().await, 4);
    })
    .await;
    let expected = [
        "create ok",
        "load error",
        "load error",
        "provided ok",
        "share ok",
        "consume ok",
        "local ok",
    ];
    assert_eq!(ended(&captured), expected);
    assert!(tree(&captured).contains(&"load < provided".to_owned()));
}

struct Block;

// case: 55, 61
#[traced]
#[async_trait]
impl Service for Block {
    async fn load(&self, n: u8) -> Result<u8, String> {
        yield_now().await;
        if n == 0 {
            return Err("zero".to_owned());
        }
        Ok(n)
    }
    async fn consume(self: Box<Self>) -> u8 {
        1
    }
    async fn share(self: Arc<Self>, (a, b): (u8, u8)) -> u8 {
        a + b
    }
    #[traced(skip)]
    async fn create() -> Self {
        Self
    }
}

#[traced(target = "block")]
impl Block {
    const STEP: u8 = 2;
    const fn step() -> u8 {
        Self::STEP
    }
    fn sync(&self) -> Result<u8, u8> {
        Err(Self::step())
    }
    async fn future(&self) -> u8 {
        yield_now().await;
        self.sync().unwrap_or_else(|n| n)
    }
    #[traced(skip)]
    fn left_out(&self) -> u8 {
        3
    }
    #[traced(name = "renamed")]
    fn own(&self) -> u8 {
        self.left_out()
    }
}

#[tokio::test]
async fn impl_blocks() {
    let captured = capture_async(async {
        let block = Block::create().await;
        assert_eq!(block.load(0).await, Err("zero".to_owned()));
        assert_eq!(block.provided("").await, 1);
        assert_eq!(block.future().await, 2);
        assert_eq!(block.own(), 3);
        assert_eq!(Box::new(block).consume().await, 1);
    })
    .await;
    let expected = [
        "load < -",
        "load < provided",
        "provided < -",
        "sync < future",
        "future < -",
        "renamed < -",
        "consume < -",
    ];
    assert_eq!(tree(&captured), expected);
}

// case: 56
#[test]
fn the_shape_of_async_trait_by_hand() {
    type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
    struct Calls(std::cell::Cell<u8>);
    impl Calls {
        #[traced(fields(n))]
        fn load<'a>(&self, n: &'a u8) -> Boxed<'a, Result<u8, String>> {
            self.0.set(self.0.get() + 1);
            if *n == 0 {
                return Box::pin(async { Err("early".to_owned()) });
            }
            let doubled = *n * 2;
            ::std::boxed::Box::pin(async move {
                yield_now().await;
                if *n == 1 {
                    Err("one".to_owned())
                } else {
                    Ok(doubled)
                }
            })
        }
        #[traced(fields(n))]
        fn pinned(&self, n: u8) -> Pin<Box<dyn Future<Output = u8> + '_>> {
            self.0.set(self.0.get() + 1);
            let later = n + 1;
            Box::pin(async move { later + self.0.get() })
        }
        #[traced]
        fn delegated(&self) -> Pin<Box<dyn Future<Output = u8> + '_>> {
            async fn inner(n: u8) -> u8 {
                n
            }
            Box::pin(inner(self.0.get()))
        }
    }
    let calls = Calls(std::cell::Cell::new(0));
    let captured = capture(|| {
        assert_eq!(block_on(calls.load(&0)), Err("early".to_owned()));
        assert_eq!(block_on(calls.load(&1)), Err("one".to_owned()));
        assert_eq!(block_on(calls.load(&2)), Ok(4));
        assert_eq!(block_on(calls.pinned(1)), 6);
        assert_eq!(block_on(calls.delegated()), 4);
    });
    let expected = [
        "load error",
        "load error",
        "load ok",
        "pinned ok",
        "delegated ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 57, 59 (a second attribute of another macro: `async_trait`, `tokio::main`; ours: nested spans)
#[test]
fn our_own_attributes_stacked() {
    #[traced(name = "upper")]
    #[traced(name = "lower")]
    fn sync() -> Result<u8, String> {
        Err("both".to_owned())
    }
    #[traced(name = "upper")]
    #[traced(name = "lower", fields(n))]
    async fn future(n: u8) -> u8 {
        yield_now().await;
        n
    }
    #[traced(name = "upper")]
    #[obs_runtime::vector_op(system = "s", operation = "search", count = |out| *out)]
    fn above() -> usize {
        3
    }
    #[obs_runtime::vector_op(system = "s", operation = "search")]
    #[traced(name = "lower")]
    async fn below() -> usize {
        3
    }
    #[traced(name = "a")]
    #[tokio::main(flavor = "current_thread")]
    #[traced(name = "b")]
    async fn around() -> u8 {
        yield_now().await;
        1
    }
    let captured = capture(|| {
        assert!(sync().is_err());
        assert_eq!(block_on(future(1)), 1);
        assert_eq!(above() + block_on(below()), 6);
        assert_eq!(around(), 1);
    });
    assert_eq!(ended(&captured)[..2], ["upper error", "lower error"]);
    // The upper attribute expands first, so it is the closer one to the body.
    let expected = [
        "upper < lower",
        "lower < -",
        "upper < lower",
        "lower < -",
        "upper < search",
        "search < -",
        "search < lower",
        "lower < -",
        "a < b",
        "b < -",
    ];
    assert_eq!(tree(&captured), expected);
}

// case: 58
#[traced]
#[test]
fn above_test() {
    let mut here = obs_runtime::registry::callsites().filter(|site| site.file() == file!());
    assert!(here.any(|site| site.function() == "above_test"));
}

#[test]
#[traced]
#[should_panic = "as it should"]
fn below_test() {
    panic!("as it should");
}

#[traced]
#[tokio::test]
async fn above_tokio_test() -> Result<(), String> {
    yield_now().await;
    Ok(())
}

#[tokio::test]
#[traced]
async fn below_tokio_test() -> Result<(), String> {
    tokio::task::yield_now().await;
    Ok(())
}

// case: 60
#[deny(warnings)]
mod from_macro_rules {
    use super::{Debug, traced, yield_now};

    macro_rules! define {
        ($vis:vis $name:ident, $t:ty, $e:expr, $body:block, $arg:ident, $pat:pat, $lt:lifetime) => {
            #[traced(name = concat!("macro ", stringify!($name)), fields(given = $e, $arg))]
            $vis fn $name<$lt>($arg: $t, $pat: (u8, &$lt u8)) -> Result<$t, String> $body
        };
    }
    define!(pub(super) defined, u8, 1 + 2, { Ok(n) }, n, (_, _), 'a);

    macro_rules! item {
        ($item:item) => {
            #[traced]
            $item
        };
    }
    item! {
        pub(super) async fn item(n: u8) -> u8 { yield_now().await; n }
    }

    pub(super) struct Holder(pub(super) u8);
    macro_rules! method {
        ($self_:ident, $name:ident, $body:expr) => {
            impl Holder {
                #[traced(fields(held = $self_.0))]
                pub(super) fn $name(&$self_) -> Result<u8, String> {
                    let value = 10;
                    Ok(value + $body)
                }
            }
        };
    }
    method!(self, method, self.0);

    macro_rules! hygienic {
        ($value:ident) => {
            #[traced]
            pub(super) async fn hygienic<T: Debug>($value: T) -> String {
                let value = 1;
                format!("{:?}{value}", $value)
            }
        };
    }
    hygienic!(value);
}

#[test]
fn functions_made_by_macro_rules() {
    use from_macro_rules::{Holder, defined, hygienic, item};
    let captured = capture(|| {
        assert_eq!(defined(1, (2, &3)), Ok(1));
        assert_eq!(block_on(item(2)), 2);
        assert_eq!(Holder(3).method(), Ok(13));
        assert_eq!(block_on(hygienic("a")), "\"a\"1");
    });
    let expected = ["macro defined ok", "item ok", "method ok", "hygienic ok"];
    assert_eq!(ended(&captured), expected);
    assert_eq!(captured.spans[0].attribute("given"), Some(&3.into()));
    assert_eq!(captured.spans[2].attribute("held"), Some(&3.into()));
}
