//! Signatures of annotated functions: receivers, generics, patterns, qualifiers.

#![allow(
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    reason = "the code that users write is what is tested"
)]

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{Noisy, block_on, notes, yield_now};

#[derive(Clone, Debug, PartialEq)]
struct Unit(u8);

impl Unit {
    #[traced]
    fn owned(self) -> Result<u8, ()> {
        Ok(self.0)
    }
    #[traced]
    fn owned_mut(mut self) -> Result<Self, ()> {
        self.0 += 1;
        Ok(self)
    }
    #[traced]
    async fn owned_mut_async(mut self) -> Self {
        self.0 += 1;
        yield_now().await;
        self
    }
    #[traced]
    fn shared(&self) -> Result<&u8, ()> {
        Ok(&self.0)
    }
    #[traced]
    fn named<'a>(self: &'a Self, other: &u8) -> Result<&'a u8, u8> {
        if self.0 == *other {
            Err(*other)
        } else {
            Ok(&self.0)
        }
    }
    #[traced]
    async fn exclusive(&mut self) -> &mut u8 {
        yield_now().await;
        &mut self.0
    }
    #[traced]
    fn boxed(self: Box<Self>) -> Result<u8, ()> {
        Ok(self.0)
    }
    #[traced]
    fn rc(self: Rc<Self>) -> u8 {
        self.0
    }
    #[traced]
    async fn arc(self: Arc<Self>) -> u8 {
        yield_now().await;
        self.0
    }
    #[traced]
    fn arc_ref(self: &Arc<Self>) -> Result<Arc<Self>, ()> {
        Ok(Arc::clone(self))
    }
    #[traced]
    fn pinned(self: Pin<&mut Self>) -> Result<u8, ()> {
        let this = Pin::into_inner(self);
        this.0 += 1;
        Ok(this.0)
    }
    #[traced]
    async fn pinned_async(mut self: Pin<&mut Self>) -> u8 {
        self.as_mut().0 += 1;
        yield_now().await;
        self.0
    }
}

// case: 26
#[test]
fn every_receiver() {
    let mut unit = Unit(1);
    assert_eq!(unit.clone().owned(), Ok(1));
    assert_eq!(unit.clone().owned_mut(), Ok(Unit(2)));
    assert_eq!(block_on(unit.clone().owned_mut_async()), Unit(2));
    assert_eq!(unit.shared(), Ok(&1));
    assert_eq!((unit.named(&1), unit.named(&2)), (Err(1), Ok(&1)));
    *block_on(unit.exclusive()) = 5;
    assert_eq!(Box::new(unit.clone()).boxed(), Ok(5));
    assert_eq!(Rc::new(unit.clone()).rc(), 5);
    assert_eq!(block_on(Arc::new(unit.clone()).arc()), 5);
    assert_eq!(Arc::new(unit.clone()).arc_ref().unwrap().0, 5);
    assert_eq!(Pin::new(&mut unit).pinned(), Ok(6));
    assert_eq!(block_on(Pin::new(&mut unit).pinned_async()), 7);
}

struct Stack<T, const N: usize> {
    items: [T; N],
}

impl<T: Copy + PartialEq, const N: usize> Stack<T, N> {
    const SIZE: usize = N;
    #[traced]
    fn first(&self) -> Result<T, ()>
    where
        Self: Sized,
    {
        let Self { items } = self;
        let copy: [T; N] = *items;
        if Self::SIZE == 0 {
            return Err(());
        }
        Ok(copy[0])
    }
    #[traced]
    fn filled(item: T) -> Self {
        Self { items: [item; N] }
    }
    #[traced]
    async fn same(self, other: Self) -> Option<Self> {
        match self {
            Self { items } if items == other.items => Some(Self { items }),
            Self { .. } => None,
        }
    }
}

// case: 27
#[test]
fn the_type_self_everywhere() {
    let stack = Stack::<u8, 2>::filled(3);
    assert_eq!(stack.first(), Ok(3));
    assert!(block_on(stack.same(Stack::filled(3))).is_some());
    assert!(block_on(Stack::<_, 1>::filled('a').same(Stack::filled('b'))).is_none());
}

// case: 28
#[test]
fn generics_of_every_kind() {
    #[traced]
    fn bools<const B: bool, const C: char>() -> Result<char, bool> {
        if B { Ok(C) } else { Err(B) }
    }
    #[traced]
    fn bounded<'a, T: ?Sized + Debug, U>(value: &'a T, other: U) -> Result<(String, U), ()>
    where
        U: Into<u64> + Copy,
        for<'b> &'b U: Sized,
        Vec<U>: Clone,
    {
        Ok((format!("{value:?}"), other))
    }
    #[traced]
    async fn sized<T, const N: usize>(items: [T; N]) -> (usize, Vec<T>) {
        (N, items.into_iter().collect())
    }
    assert_eq!(bools::<true, 'x'>(), Ok('x'));
    assert_eq!(bools::<false, 'x'>(), Err(false));
    assert_eq!(bounded("a", 1_u8), Ok(("\"a\"".to_owned(), 1)));
    assert_eq!(block_on(sized::<u8, 2>([1, 2])), (2, vec![1, 2]));
}

// case: 29
#[test]
fn arguments_need_no_trait() {
    struct Opaque<'a>(Rc<&'a mut u8>);
    #[traced]
    fn sync<T>(value: T, _: Opaque<'_>) -> Result<T, T> {
        Ok(value)
    }
    #[traced]
    async fn future<T>(value: T, mut opaque: Opaque<'_>) -> T {
        yield_now().await;
        if let Some(n) = Rc::get_mut(&mut opaque.0) {
            **n += 1;
        }
        value
    }
    let mut n = 1;
    assert!(sync(Opaque(Rc::new(&mut 2)), Opaque(Rc::new(&mut n))).is_ok());
    let text = block_on(future("text", Opaque(Rc::new(&mut n))));
    assert_eq!((text, n), ("text", 2));
}

// case: 30
#[test]
fn higher_ranked_opaque_and_dyn_arguments() {
    #[traced]
    fn ranked<F>(f: F) -> Result<usize, ()>
    where
        F: for<'a> Fn(&'a str) -> &'a str,
    {
        Ok(f("abc").len())
    }
    #[traced]
    fn dynamic(
        f: &mut dyn FnMut(u8),
        d: &dyn Display,
        b: Box<dyn FnOnce() -> u8>,
    ) -> Result<String, ()> {
        f(1);
        Ok(format!("{d}{}", b()))
    }
    #[traced]
    async fn asynchronous(f: impl AsyncFn(u8) -> u8, once: impl FnOnce() -> u8) -> u8 {
        f(once()).await
    }
    #[traced]
    async fn pinned<'a, F>(f: impl FnOnce(&'a u8) -> F, n: &'a u8) -> F::Output
    where
        F: Future + 'a,
    {
        f(n).await
    }
    let mut sum = 0;
    assert_eq!(ranked(|text| &text[1..]), Ok(2));
    assert_eq!(
        dynamic(&mut |n| sum += n, &"d", Box::new(|| 2)).unwrap(),
        "d2"
    );
    assert_eq!(sum, 1);
    let offset = 10;
    assert_eq!(block_on(asynchronous(async |n| n + offset, || 1)), 11);
    assert_eq!(block_on(pinned(|n| async move { *n }, &3)), 3);
}

// case: 31
#[test]
fn lifetimes_elided_named_bounded_and_captured() {
    #[traced]
    fn outlives<'a: 'b, 'b>(long: &'a str, _short: &'b str) -> Result<&'b str, ()> {
        Ok(long)
    }
    #[traced]
    fn captures_all(text: &str) -> impl Display {
        text.len().to_string() + text
    }
    #[traced]
    fn captures_none<'a>(text: &'a str) -> impl Display + use<> {
        text.len()
    }
    #[traced]
    fn captures_some<'a, 'b, T>(
        a: &'a T,
        _b: &'b T,
    ) -> Result<impl Fn() -> &'a T + use<'a, T>, ()> {
        Ok(move || a)
    }
    #[traced]
    async fn both<'a, 'b: 'a>(a: &'a mut Vec<&'b str>, b: &'b str) -> &'a mut &'b str {
        a.push(b);
        yield_now().await;
        &mut a[0]
    }
    #[traced]
    async fn anonymous(map: &HashMap<&str, Box<dyn Display + '_>>, _: &u8) -> usize {
        map.len()
    }
    let outlived = {
        let text = String::from("ab");
        captures_none(&text)
    };
    assert_eq!(outlived.to_string(), "2");
    let long = String::from("abc");
    let closure = {
        let short = String::from("s");
        captures_some(&long, &short).unwrap()
    };
    assert_eq!(closure(), "abc");
    assert_eq!(captures_all(&long).to_string(), "3abc");
    assert_eq!(outlives(&long, "x"), Ok("abc"));
    assert_eq!(*block_on(both(&mut vec![], &long)), "abc");
    assert_eq!(block_on(anonymous(&HashMap::new(), &1)), 0);
}

// case: 32, 33
#[test]
fn borrows_of_exclusive_arguments_come_back() {
    struct View<'a>(&'a mut [u8]);
    #[traced(ret, fields(n = list.len()))]
    fn sync<'a>(list: &'a mut Vec<u8>) -> Result<&'a mut u8, String> {
        if list.is_empty() {
            return Err("empty".to_owned());
        }
        list.last_mut().ok_or_else(String::new)
    }
    #[traced]
    fn in_struct(list: &mut [u8]) -> Result<View<'_>, ()> {
        Ok(View(list))
    }
    #[traced(ret)]
    async fn future(list: &mut Vec<u8>) -> Result<&mut [u8], String> {
        yield_now().await;
        Ok(list.as_mut_slice())
    }
    #[traced]
    async fn in_struct_async<'a>(list: &'a mut [u8]) -> View<'a> {
        View(list)
    }
    #[traced(ret)]
    fn reassigned(mut text: &str) -> Result<usize, ()> {
        let local = String::from("local");
        if text.is_empty() {
            text = &local;
        }
        Ok(text.len())
    }
    #[traced(fields(text))]
    async fn reassigned_async(mut text: &str, mut list: &mut Vec<u8>) -> usize {
        let local = String::from("local");
        let mut other = vec![1, 2];
        if text.is_empty() {
            text = &local;
            list = &mut other;
        }
        yield_now().await;
        list.push(1);
        text.len() + list.len()
    }
    let mut list = vec![1];
    *sync(&mut list).unwrap() = 2;
    in_struct(&mut list).unwrap().0[0] += 1;
    block_on(future(&mut list)).unwrap()[0] += 1;
    block_on(in_struct_async(&mut list)).0[0] += 1;
    assert_eq!(list, [5]);
    assert_eq!(reassigned(""), Ok(5));
    assert_eq!(block_on(reassigned_async("", &mut list)), 8);
}

struct Point {
    x: u8,
    y: (u8, Noisy),
}

// case: 34, 35
#[test]
fn patterns_as_arguments() {
    #[traced(fields(a, x, first, rest = ?rest, all = all.len()))]
    fn sync(
        (mut a, _): (u8, &str),
        Point { x, y: (y, _), .. }: Point,
        [first, rest @ ..]: [u8; 3],
        &z: &u8,
        ref name: String,
        all @ &[..]: &[u8],
        _: Noisy,
        _unused: Noisy,
    ) -> Result<u8, ()> {
        a += x + y + first + rest[1] + z;
        Ok(a + name.len() as u8 + all.len() as u8)
    }
    #[traced(fields(a, first))]
    async fn future(
        (mut a, _): (u8, &str),
        Point {
            x,
            y: (y, ref noisy),
        }: Point,
        [first, .., last]: [u8; 3],
        &mut ref mut z: &mut u8,
        _: Noisy,
    ) -> u8 {
        yield_now().await;
        *z += 1;
        a += x + y + first + last + noisy.0.len() as u8;
        a
    }
    let point = || Point {
        x: 1,
        y: (2, Noisy("p")),
    };
    notes();
    let captured = capture(|| {
        let value = sync(
            (1, ""),
            point(),
            [1, 2, 3],
            &4,
            "abc".to_owned(),
            &[1, 2],
            Noisy("_"),
            Noisy("_unused"),
        );
        assert_eq!(value, Ok(17));
        let mut z = 1;
        assert_eq!(
            block_on(future((1, ""), point(), [1, 2, 3], &mut z, Noisy("_"))),
            9
        );
        assert_eq!(z, 2);
    });
    let rest = captured.span("sync").attribute("rest").cloned();
    assert_eq!(rest, Some("[2, 3]".into()));
    assert_eq!(captured.span("future").attributes.len(), 2);
    assert_eq!(notes(), ["_unused", "_", "p", "_", "p"]);
}
