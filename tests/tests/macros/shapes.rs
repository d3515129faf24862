//! An annotated function behaves as the plain one: control flow, drops, borrows, types.

#![allow(
    clippy::boxed_local,
    clippy::items_after_statements,
    clippy::elidable_lifetime_names,
    clippy::needless_lifetimes,
    clippy::trivially_copy_pass_by_ref,
    clippy::ptr_arg,
    clippy::unimplemented,
    dropping_copy_types,
    unreachable_pub,
    reason = "the code that users write is what is tested"
)]

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::panic::Location;

use obs_runtime::testing::capture;
use obs_runtime::{trace::Outcome, traced};
use obs_tests::cases::{Noisy, block_on, notes};

fn drops(f: impl FnOnce()) -> Vec<String> {
    notes();
    f();
    notes()
}

/// The same functions, plain and annotated.
macro_rules! twice {
    ($($(#[$attr:meta])* fn $name:ident $args:tt $(-> $ret:ty)? $body:block)*) => {
        mod plain { use super::*; $(pub fn $name $args $(-> $ret)? $body)* }
        mod traced_ {
            use super::*;
            $(#[traced] $(#[$attr])* pub fn $name $args $(-> $ret)? $body)*
        }
    };
}

macro_rules! twice_async {
    ($(async fn $name:ident $args:tt $(-> $ret:ty)? $body:block)*) => {
        mod plain_async { use super::*; $(pub async fn $name $args $(-> $ret)? $body)* }
        mod traced_async { use super::*; $(#[traced] pub async fn $name $args $(-> $ret)? $body)* }
    };
}

twice! {
    fn unit(a: Noisy, _: Noisy, _c: Noisy, (d, _): (Noisy, Noisy), f: Noisy) {
        let _local = Noisy("local");
        let _moved = (d, a);
        let _ = &f;
    }
    fn result(a: Noisy, _: Noisy, _c: Noisy, (d, _): (Noisy, Noisy), f: Noisy) -> Result<(), ()> {
        let _local = Noisy("local");
        drop(d);
        if f.0 == "f" {
            return Err(());
        }
        drop(a);
        Ok(())
    }
}

twice_async! {
    async fn unit(a: Noisy, _: Noisy, _c: Noisy, (d, _): (Noisy, Noisy), f: Noisy) {
        let _local = Noisy("local");
        let _moved = (d, a);
        tokio::task::yield_now().await;
        let _ = &f;
    }
    async fn result(a: Noisy, _: Noisy, _c: Noisy, (d, _): (Noisy, Noisy), f: Noisy) -> Result<(), ()> {
        let _local = Noisy("local");
        drop(d);
        tokio::task::yield_now().await;
        if f.0 == "f" {
            return Err(());
        }
        drop(a);
        Ok(())
    }
}

macro_rules! args {
    () => {
        (
            Noisy("a"),
            Noisy("b"),
            Noisy("c"),
            (Noisy("d"), Noisy("e")),
            Noisy("f"),
        )
    };
}

#[test]
fn arguments_and_locals_drop_in_the_plain_order() {
    macro_rules! compare {
        ($plain:path, $traced:path, $run:expr) => {{
            let plain = drops(|| {
                let (a, b, c, d, f) = args!();
                ($run)($plain(a, b, c, d, f));
            });
            let traced = drops(|| {
                let (a, b, c, d, f) = args!();
                ($run)($traced(a, b, c, d, f));
            });
            assert_eq!(
                plain.len(),
                7 - usize::from(!plain.iter().any(|name| name == "local"))
            );
            assert_eq!(traced, plain);
        }};
    }
    compare!(plain::unit, traced_::unit, |()| ());
    compare!(plain::result, traced_::result, |r: Result<(), ()>| drop(r));
    compare!(plain_async::unit, traced_async::unit, block_on);
    compare!(plain_async::result, traced_async::result, |f| drop(
        block_on(f)
    ));
    // Never polled.
    compare!(plain_async::unit, traced_async::unit, drop);
    // Cancelled at the yield.
    compare!(plain_async::unit, traced_async::unit, cancel);
}

/// Drops a future after its first poll.
fn cancel(future: impl Future) {
    let mut future = Box::pin(future);
    block_on(std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    }));
}

#[test]
fn borrows_of_mutable_arguments_are_returned() {
    #[traced]
    fn result<'a>(list: &'a mut Vec<u8>, at: usize) -> Result<&'a mut u8, String> {
        list.get_mut(at).ok_or_else(|| format!("no {at}"))
    }
    #[traced(err = false, ok_if = |_| true)]
    fn guard(list: &mut Vec<u8>) -> &mut u8 {
        &mut list[0]
    }
    #[traced]
    async fn future<'a>(list: &'a mut Vec<u8>, _other: &str) -> Option<&'a mut u8> {
        list.first_mut()
    }
    #[traced]
    async fn reassigned(mut text: &str) -> usize {
        let local = String::from("local");
        if text.is_empty() {
            text = &local;
        }
        text.len()
    }
    let mut list = vec![1, 2];
    *result(&mut list, 1).unwrap() = 3;
    *guard(&mut list) = 4;
    *block_on(future(&mut list, "")).unwrap() += 1;
    assert_eq!(list, [5, 3]);
    assert_eq!(block_on(reassigned("")), 5);
}

#[test]
fn tail_temporaries_end_before_locals() {
    #[traced]
    fn sync(n: usize) -> Result<usize, ()> {
        let cell = RefCell::new(vec![n]);
        Ok(cell.borrow().len())
    }
    #[traced]
    fn guard(n: usize) -> usize {
        let cell = RefCell::new(vec![n]);
        cell.borrow().len()
    }
    #[traced]
    async fn future(n: usize) -> usize {
        let cell = RefCell::new(vec![n]);
        cell.borrow().len()
    }
    assert_eq!((sync(1), guard(1), block_on(future(1))), (Ok(1), 1, 1));
}

#[test]
fn the_declared_type_drives_inference_and_coercion() {
    #[traced]
    fn collected() -> Result<Vec<u8>, std::num::ParseIntError> {
        "1 2".split(' ').map(str::parse).collect()
    }
    #[traced]
    fn early(n: u8) -> Result<Box<dyn Debug>, Box<dyn std::error::Error>> {
        if n == 0 {
            return Ok(Box::new(n));
        }
        Err("text")?;
        Ok(Box::new("never"))
    }
    #[traced]
    async fn boxed(
        n: u8,
    ) -> Result<Box<dyn Debug + Send>, Box<dyn std::error::Error + Send + Sync>> {
        if n == 0 {
            return Ok(Box::new(n));
        }
        Err("text")?;
        Ok(Box::new("never"))
    }
    #[traced]
    async fn slice(list: &[u8; 2]) -> &[u8] {
        list
    }
    #[traced]
    async fn pointer() -> fn(u8) -> u8 {
        |x| x + 1
    }
    #[traced]
    async fn text(owned: &String) -> &str {
        owned
    }
    assert_eq!(collected(), Ok(vec![1, 2]));
    assert!(early(0).is_ok());
    let captured = capture(|| early(1).is_err());
    assert_eq!(captured.span("early").outcome, Outcome::Error);
    assert!(block_on(boxed(0)).is_ok() && block_on(boxed(1)).is_err());
    assert_eq!(block_on(slice(&[1, 2])), [1, 2]);
    assert_eq!(block_on(pointer())(1), 2);
    assert_eq!(block_on(text(&"a".to_owned())), "a");
}

#[test]
fn impl_trait_anywhere() {
    #[traced]
    fn iterator(n: u8) -> impl Iterator<Item = u8> + Clone {
        0..n
    }
    #[allow(
        clippy::elidable_lifetime_names,
        reason = "a named lifetime is the case"
    )]
    #[traced]
    fn in_result<'a>(n: &'a u8) -> Result<impl Display + 'a, String> {
        if *n == 0 {
            return Err(String::new());
        }
        Ok(n)
    }
    #[traced]
    async fn in_option(n: u8) -> Option<(impl Display, Vec<impl Debug>)> {
        Some((n, vec![n]))
    }
    #[traced]
    async fn function(x: u32) -> impl Fn(u32) -> u32 {
        move |y: u32| x + y
    }
    #[traced]
    fn argument(value: impl Display) -> String {
        value.to_string()
    }
    assert_eq!(iterator(3).count(), 3);
    assert_eq!(in_result(&1).unwrap().to_string(), "1");
    assert_eq!(block_on(in_option(1)).unwrap().0.to_string(), "1");
    assert_eq!(block_on(function(1))(2), 3);
    assert_eq!(argument(5), "5");
}

#[test]
fn never_and_diverging_bodies() {
    #[traced]
    fn never() -> ! {
        panic!("never")
    }
    #[traced]
    async fn never_async() -> ! {
        panic!("never")
    }
    #[traced]
    fn forever(stop: bool) -> Result<u8, ()> {
        loop {
            if stop {
                break Ok(1);
            }
        }
    }
    #[traced]
    async fn unimplemented() -> u8 {
        unimplemented!()
    }
    let captured = capture(|| {
        assert!(std::panic::catch_unwind(|| never()).is_err());
        let poll = || block_on(never_async());
        assert!(std::panic::catch_unwind(poll).is_err());
        assert_eq!(forever(true), Ok(1));
        assert!(std::panic::catch_unwind(|| block_on(unimplemented())).is_err());
    });
    let outcomes: Vec<_> = captured.spans.iter().map(|s| s.outcome).collect();
    use Outcome::{Ok as Fine, Panicked};
    assert_eq!(outcomes, [Panicked, Panicked, Fine, Panicked]);
}

#[test]
fn receivers_generics_and_patterns() {
    #[derive(Clone)]
    struct Holder<T>(T);
    struct Pair {
        a: u8,
        b: u8,
    }
    impl<T: Clone + Debug, const N: usize> Holder<[T; N]> {
        const LEN: usize = N;
        #[traced]
        fn by_value(self) -> Result<[T; N], ()> {
            Ok(self.0)
        }
        #[traced]
        fn by_mut(&mut self, value: T) -> Result<&mut Self, ()>
        where
            T: PartialEq,
        {
            self.0[0] = value;
            Ok(self)
        }
        #[traced]
        fn boxed(self: Box<Self>) -> usize {
            Self::LEN + self.0.len()
        }
        #[traced]
        async fn future(mut self) -> Self {
            self.0.reverse();
            self
        }
        #[traced]
        fn partial(self) -> Result<T, ()> {
            let Self(inner) = self;
            inner.into_iter().next().ok_or(())
        }
    }
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "a pattern of a reference is the case"
    )]
    #[traced(fields(a, b, x, rest = ?rest))]
    fn patterns(
        Pair { a, b }: Pair,
        [x, rest @ ..]: [u8; 3],
        &y: &u8,
        mut z: u8,
    ) -> Result<u8, ()> {
        z += y;
        Ok(a + b + x + rest[0] + z)
    }
    #[traced]
    unsafe fn raw(p: *const u8) -> Result<u8, ()> {
        // SAFETY: the caller passes a valid pointer.
        Ok(unsafe { *p })
    }
    #[traced]
    extern "C" fn c_abi(n: u8) -> u8 {
        n
    }
    let mut holder = Holder([1, 2]);
    assert_eq!(holder.by_mut(3).unwrap().clone().by_value(), Ok([3, 2]));
    assert_eq!(Box::new(holder.clone()).boxed(), 4);
    assert_eq!(block_on(holder.clone().future()).0, [2, 3]);
    assert_eq!(holder.partial(), Ok(3));
    assert_eq!(patterns(Pair { a: 1, b: 2 }, [3, 4, 5], &6, 7), Ok(23));
    // SAFETY: a valid pointer.
    assert_eq!(unsafe { raw(&1) }, Ok(1));
    assert_eq!(c_abi(2), 2);
}

#[test]
fn track_caller_reports_the_caller() {
    #[traced]
    #[track_caller]
    fn guard() -> &'static Location<'static> {
        Location::caller()
    }
    #[traced]
    #[track_caller]
    fn result() -> Result<&'static Location<'static>, String> {
        Ok(Location::caller())
    }
    assert_eq!(guard().line(), line!());
    assert_eq!(result().unwrap().line(), line!());
}

#[test]
fn attributes_items_and_inner_attributes() {
    #[traced]
    #[must_use]
    #[inline]
    fn outer(_n: u8) -> u8 {
        #![allow(unused_variables)]
        use std::cmp::max;
        const STEP: u8 = 2;
        fn helper(x: u8) -> u8 {
            x + STEP
        }
        let unused = 1;
        max(helper(1), 2)
    }
    #[traced]
    fn cfg(#[cfg(test)] a: u8, #[cfg(not(test))] a: u16) -> Result<u8, ()> {
        Ok(a)
    }
    assert_eq!((outer(1), cfg(4)), (3, Ok(4)));
}

trait Service {
    fn name(&self) -> impl Future<Output = String> + Send;
    #[allow(async_fn_in_trait)]
    async fn native(&self, n: u8) -> Result<u8, ()>;
    #[traced]
    fn provided(&self) -> Result<usize, ()> {
        Ok(1)
    }
}

struct Impl;

impl Service for Impl {
    #[traced]
    async fn name(&self) -> String {
        tokio::task::yield_now().await;
        "impl".to_owned()
    }
    #[traced]
    async fn native(&self, n: u8) -> Result<u8, ()> {
        if n == 0 {
            return Err(());
        }
        Ok(n)
    }
}

#[test]
fn native_async_in_traits() {
    assert_eq!(block_on(Impl.name()), "impl");
    assert_eq!(block_on(Impl.native(0)), Err(()));
    assert_eq!(Impl.provided(), Ok(1));
}

#[test]
fn futures_stay_send_and_small() {
    fn is_send<T: Send + Sync>(_: &T) {}
    async fn plain() -> u8 {
        tokio::task::yield_now().await;
        1
    }
    #[traced]
    async fn annotated() -> u8 {
        tokio::task::yield_now().await;
        1
    }
    #[traced]
    async fn recursive(n: u8) -> u8 {
        if n == 0 {
            return 0;
        }
        Box::pin(recursive(n - 1)).await + 1
    }
    is_send(&annotated());
    assert!(size_of_val(&annotated()) <= size_of_val(&plain()) + 64);
    assert_eq!(block_on(recursive(50)), 50);
}

#[test]
fn macros_below_see_an_async_fn() {
    #[traced]
    #[tokio::main(flavor = "current_thread")]
    async fn above() -> Result<u8, u8> {
        tokio::task::yield_now().await;
        Err(1)
    }
    let captured = capture(above);
    assert_eq!(captured.value, Err(1));
    assert_eq!(captured.spans.len(), 1);
}
