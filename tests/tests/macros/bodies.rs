//! The body of an annotated function: control flow, scopes, temporaries, evaluation.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::todo,
    clippy::unimplemented,
    reason = "the code that users write is what is tested"
)]

use std::cell::RefCell;
use std::panic::catch_unwind;

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{Noisy, block_on, ended, note, notes, yield_now};

#[derive(Debug, PartialEq)]
struct Wrapped(String);

impl From<std::num::ParseIntError> for Wrapped {
    fn from(error: std::num::ParseIntError) -> Self {
        Self(error.to_string())
    }
}

// case: 1
#[test]
fn an_early_return_is_the_outcome() {
    #[traced]
    fn sync(n: u8) -> Result<u8, String> {
        if n == 0 {
            return Err("zero".to_owned());
        }
        for i in 0..n {
            if i == 3 {
                return Ok(i);
            }
        }
        Ok(n)
    }
    #[traced]
    async fn future(n: u8) -> Result<u8, String> {
        if n == 0 {
            return Err("zero".to_owned());
        }
        yield_now().await;
        return Ok(n);
    }
    let captured = capture(|| {
        assert_eq!(sync(0), Err("zero".to_owned()));
        assert_eq!(sync(9), Ok(3));
        assert_eq!(block_on(future(0)), Err("zero".to_owned()));
        assert_eq!(block_on(future(9)), Ok(9));
    });
    let expected = ["sync error", "sync ok", "future error", "future ok"];
    assert_eq!(ended(&captured), expected);
}

// case: 2
#[test]
fn question_marks_convert_to_the_declared_error() {
    #[traced]
    fn from(text: &str) -> Result<u8, Wrapped> {
        Ok(text.parse::<u8>()?)
    }
    #[traced]
    async fn boxed(text: &str) -> Result<u8, Box<dyn std::error::Error>> {
        let n = text.parse::<u8>()?;
        yield_now().await;
        Ok(n)
    }
    #[traced]
    fn option(list: &[u8]) -> Option<u8> {
        let first = list.first()?;
        Some(*first)
    }
    #[traced]
    async fn option_async(list: &[u8]) -> Option<u8> {
        Some(*list.first()?)
    }
    let captured = capture(|| {
        assert!(from("x").unwrap_err().0.contains("invalid digit"));
        assert!(block_on(boxed("x")).is_err());
        assert_eq!((option(&[]), option(&[1])), (None, Some(1)));
        assert_eq!(block_on(option_async(&[])), None);
    });
    let expected = [
        "from error",
        "boxed error",
        "option ok",
        "option ok",
        "option_async ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 3
#[test]
fn exits_of_what_is_nested_leave_only_that() {
    macro_rules! give_up {
        ($value:expr) => {
            return $value
        };
    }
    #[traced]
    fn sync() -> Result<u8, Wrapped> {
        fn inner() -> u8 {
            return 1;
        }
        let closure = |text: &str| -> Result<u8, Wrapped> { Ok(text.parse::<u8>()?) };
        let failed = closure("x").is_err();
        let nested = block_on(async {
            if failed {
                return 2;
            }
            3
        });
        give_up!(Ok(inner() + nested))
    }
    #[traced]
    async fn future() -> Result<u8, Wrapped> {
        let block = async {
            "x".parse::<u8>()?;
            Ok::<u8, Wrapped>(1)
        };
        let failed = block.await.is_err();
        let list = [1_u8, 2].map(|n| {
            return n * 2;
        });
        if failed {
            give_up!(Ok(list[1]))
        }
        Ok(0)
    }
    let captured = capture(|| {
        assert_eq!(sync(), Ok(3));
        assert_eq!(block_on(future()), Ok(4));
    });
    assert_eq!(ended(&captured), ["sync ok", "future ok"]);
}

// case: 4
#[test]
fn labels_let_else_chains_and_loop_values() {
    #[traced]
    fn sync(text: Option<&str>) -> Result<usize, String> {
        let Some(text) = text else {
            return Err("nothing".to_owned());
        };
        let found = 'outer: {
            for (at, c) in text.chars().enumerate() {
                if c == 'x' {
                    break 'outer at;
                }
            }
            99
        };
        if let Some(first) = text.chars().next()
            && first == 'y'
            && found > 0
        {
            return Ok(loop {
                break found + 100;
            });
        }
        Ok(found)
    }
    #[traced]
    async fn future(n: u8) -> u8 {
        'outer: loop {
            let mut i = 0;
            loop {
                yield_now().await;
                i += 1;
                if i == n {
                    break 'outer i;
                }
                if i > 10 {
                    continue 'outer;
                }
            }
        }
    }
    assert_eq!(sync(None), Err("nothing".to_owned()));
    assert_eq!(sync(Some("abx")), Ok(2));
    assert_eq!(sync(Some("yx")), Ok(101));
    assert_eq!(sync(Some("")), Ok(99));
    assert_eq!(block_on(future(3)), 3);
}

// case: 5, 6
#[deny(warnings)]
mod diverging {
    use super::{capture, catch_unwind, ended, traced};

    #[traced]
    fn never() -> ! {
        panic!("never")
    }
    #[traced]
    async fn never_async() -> ! {
        std::future::pending::<()>().await;
        panic!("never")
    }
    #[traced(fields(n))]
    fn never_with_field(n: u8) -> ! {
        loop {
            assert!(n > 9, "never");
        }
    }
    #[traced]
    fn to_do() -> Result<u8, String> {
        todo!()
    }
    #[traced]
    fn to_do_later() -> u8 {
        todo!("{}", 1)
    }
    #[traced]
    fn opaque() -> impl std::fmt::Debug + use<> {
        if true {
            panic!("opaque");
        }
        1
    }
    #[traced]
    async fn unfinished() -> Result<(), String> {
        unimplemented!()
    }
    #[traced(ret)]
    async fn forever(stop: bool) -> u8 {
        loop {
            assert!(!stop, "stopped");
        }
    }
    #[traced]
    async fn forever_unit(stop: bool) {
        loop {
            assert!(!stop, "stopped");
        }
    }

    #[test]
    fn bodies_that_do_not_come_back() {
        use obs_tests::cases::{block_on, cancel};
        let captured = capture(|| {
            assert!(catch_unwind(|| never()).is_err());
            assert!(catch_unwind(|| never_with_field(1)).is_err());
            assert!(catch_unwind(to_do).is_err());
            assert!(catch_unwind(to_do_later).is_err());
            assert!(catch_unwind(opaque).is_err());
            assert!(catch_unwind(|| block_on(unfinished())).is_err());
            assert!(catch_unwind(|| block_on(forever(true))).is_err());
            assert!(catch_unwind(|| block_on(forever_unit(true))).is_err());
            cancel(never_async());
        });
        let expected = [
            "never panicked",
            "never_with_field panicked",
            "to_do panicked",
            "to_do_later panicked",
            "opaque panicked",
            "unfinished panicked",
            "forever panicked",
            "forever_unit panicked",
            "never_async cancelled",
        ];
        assert_eq!(ended(&captured), expected);
    }
}

// case: 8 (edition 2021, case 9: tests/renamed)
#[test]
fn tail_temporaries_of_this_edition_end_before_locals() {
    struct Temporary<'a>(&'a Noisy);
    impl Temporary<'_> {
        fn len(&self) -> usize {
            self.0.0.len()
        }
    }
    impl Drop for Temporary<'_> {
        fn drop(&mut self) {
            note("temporary");
        }
    }
    fn plain() -> usize {
        let local = Noisy("local");
        Temporary(&local).len()
    }
    #[traced]
    fn guard() -> usize {
        let local = Noisy("local");
        Temporary(&local).len()
    }
    #[traced]
    fn closure() -> Result<usize, ()> {
        let local = Noisy("local");
        Ok(Temporary(&local).len())
    }
    #[traced]
    async fn future() -> usize {
        let local = Noisy("local");
        yield_now().await;
        Temporary(&local).len()
    }
    #[traced]
    async fn cell() -> usize {
        let c = RefCell::new(vec![1]);
        c.borrow().len()
    }
    notes();
    for run in [
        plain,
        guard,
        || closure().unwrap_or(0),
        || block_on(future()),
    ] {
        assert_eq!(run(), 5);
        assert_eq!(notes(), ["temporary", "local"]);
    }
    assert_eq!(block_on(cell()), 1);
}

// case: 10
#[test]
fn inner_attributes_of_the_body() {
    #[traced]
    fn sync() -> Result<u8, ()> {
        #![allow(unused_variables)]
        #![allow(unused_mut)]
        let mut unused = 1;
        Ok(2)
    }
    #[traced]
    async fn future() -> u8 {
        #![allow(unused_variables)]
        let unused = 1;
        3
    }
    assert_eq!((sync(), block_on(future())), (Ok(2), 3));
}

mod other {
    #[derive(Debug, PartialEq)]
    pub(super) struct Result(pub(super) u8);
    #[derive(Debug, PartialEq)]
    pub(super) struct Number(pub(super) u8);
}

#[derive(Debug, PartialEq)]
struct Number(u64);

// case: 11
#[test]
fn the_body_keeps_its_own_scope() {
    #[traced]
    fn glob(n: u64) -> Number {
        use other::*;
        let inner: other::Number = Number(1);
        let outer: super_number::Type = super_number::new(n + u64::from(inner.0));
        outer
    }
    mod super_number {
        pub(super) type Type = super::Number;
        pub(super) fn new(n: u64) -> Type {
            super::Number(n)
        }
    }
    #[traced]
    async fn shadowing() -> Result<u8, ()> {
        type Result = u16;
        struct Inner;
        impl Inner {
            const N: Result = 3;
        }
        macro_rules! local {
            () => {
                Inner::N
            };
        }
        Ok(u8::try_from(local!()).unwrap_or(0))
    }
    #[traced]
    fn alias() -> Result<u8, String> {
        use other::Result;
        Ok(Result(4).0)
    }
    assert_eq!(glob(2), Number(3));
    assert_eq!(block_on(shadowing()), Ok(3));
    assert_eq!(alias(), Ok(4));
}
