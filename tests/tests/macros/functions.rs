//! What kind of function is annotated: qualifiers, cfg, sizes, traits, items of the same name.

#![allow(
    clippy::all,
    clippy::pedantic,
    non_snake_case,
    unreachable_pub,
    reason = "the code that users write is what is tested"
)]

use std::fmt::Debug;
use std::future::Future;

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{block_on, ended, yield_now};

// case: 38, 39
#[test]
fn unsafe_and_foreign_functions() {
    #[traced]
    unsafe fn raw(p: *const u8) -> Result<u8, u8> {
        // SAFETY: the caller's.
        let n = unsafe { *p };
        if n == 0 { Err(n) } else { Ok(n) }
    }
    #[traced]
    async unsafe fn raw_async(p: *const u8) -> u8 {
        yield_now().await;
        // SAFETY: the caller's.
        unsafe { *p }
    }
    #[traced]
    extern "C" fn c_abi(n: u8) -> u8 {
        n + 1
    }
    #[traced]
    unsafe extern "C" fn unsafe_c_abi(p: *const u8) -> u8 {
        // SAFETY: the caller's.
        unsafe { *p }
    }
    let captured = capture(|| {
        let pointer: extern "C" fn(u8) -> u8 = c_abi;
        let raw_pointer: unsafe fn(*const u8) -> Result<u8, u8> = raw;
        // SAFETY: the pointers are of references.
        unsafe {
            assert_eq!(raw_pointer(&0), Err(0));
            assert_eq!(block_on(raw_async(&1)), 1);
            assert_eq!(unsafe_c_abi(&2), 2);
        }
        assert_eq!(pointer(2), 3);
    });
    let expected = ["raw error", "raw_async ok", "unsafe_c_abi ok", "c_abi ok"];
    assert_eq!(ended(&captured), expected);
}

mod outer {
    pub(super) mod inner {
        #[obs_runtime::traced]
        pub(in crate::functions::outer) fn in_path() -> Result<u8, ()> {
            Ok(1)
        }
        #[obs_runtime::traced]
        pub(super) async fn in_super() -> u8 {
            in_path().unwrap_or(0) + 1
        }
        #[obs_runtime::traced]
        pub(crate) fn in_crate() -> u8 {
            3
        }
    }
    pub(super) fn sum() -> u8 {
        inner::in_path().unwrap_or(0) + obs_tests::cases::block_on(inner::in_super())
    }
}

// case: 41
#[test]
fn visibilities() {
    assert_eq!(outer::sum() + outer::inner::in_crate(), 6);
}

// case: 42
#[test]
fn an_item_stays_an_item() {
    #[traced]
    fn double(n: u8) -> u8 {
        n * 2
    }
    #[traced]
    fn fallible(n: u8) -> Result<u8, u8> {
        Ok(n)
    }
    #[traced]
    async fn future(n: u8) -> u8 {
        yield_now().await;
        n
    }
    const POINTER: fn(u8) -> u8 = double;
    static TABLE: [fn(u8) -> Result<u8, u8>; 1] = [fallible];
    async fn twice(f: impl AsyncFn(u8) -> u8) -> u8 {
        f(1).await + f(2).await
    }
    assert_eq!(size_of_val(&double) + size_of_val(&future), 0);
    assert_eq!([1, 2].map(double).map(POINTER), [4, 8]);
    assert_eq!(TABLE[0](3), Ok(3));
    assert_eq!(block_on(twice(future)), 3);
}

// case: 43
#[test]
fn raw_and_foreign_names() {
    #[traced(fields(r#type, größe))]
    fn r#match(r#type: u8, größe: u8) -> u8 {
        r#type + größe
    }
    #[traced(fields(r#async))]
    async fn 計算(r#async: u8) -> u8 {
        r#async
    }
    let captured = capture(|| r#match(1, 2) + block_on(計算(3)));
    assert_eq!(
        (captured.value, ended(&captured)),
        (6, vec!["match ok".into(), "計算 ok".into()])
    );
    let keys: Vec<_> = captured
        .spans
        .iter()
        .flat_map(|s| &s.attributes)
        .map(|a| &*a.0)
        .collect();
    assert_eq!(keys, ["type", "größe", "async"]);
    assert_eq!(captured.spans[0].function, "match");
}

// case: 44
#[test]
fn cfg_on_parameters_generics_and_statements() {
    #[traced]
    fn sync(
        #[cfg(any())] _missing: NoSuchType,
        #[cfg(all())] a: u8,
        #[cfg_attr(all(), allow(unused_variables))] b: u8,
    ) -> Result<u8, ()> {
        #[cfg(any())]
        return Err(missing);
        #[cfg(all())]
        let a = a + 1;
        Ok(a)
    }
    #[traced]
    async fn future<#[cfg(any())] T, #[cfg(all())] const N: usize>(
        #[cfg(any())] t: T,
        n: usize,
    ) -> usize {
        #[cfg(any())]
        drop(t);
        n + N
    }
    assert_eq!(sync(1, 2), Ok(2));
    assert_eq!(block_on(future::<2>(1)), 3);
}

// case: 45
#[test]
fn many_large_aligned_and_empty_arguments() {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct Aligned(u8);
    #[derive(Clone, Copy)]
    struct Zst;
    #[traced(fields(
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2,
        c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5
    ))]
    fn many(
        a0: u8,
        a1: u8,
        a2: u8,
        a3: u8,
        a4: u8,
        a5: u8,
        a6: u8,
        a7: u8,
        a8: u8,
        a9: u8,
        b0: u8,
        b1: u8,
        b2: u8,
        b3: u8,
        b4: u8,
        b5: u8,
        b6: u8,
        b7: u8,
        b8: u8,
        b9: u8,
        c0: u8,
        c1: u8,
        c2: u8,
        c3: u8,
        c4: u8,
        c5: u8,
        c6: u8,
        c7: u8,
        c8: u8,
        c9: u8,
        d0: u8,
        d1: u8,
        d2: u8,
        d3: u8,
        d4: u8,
        d5: u8,
    ) -> u8 {
        a0 + d5
    }
    #[traced]
    fn large(block: [u8; 65536], aligned: Aligned, Zst: Zst) -> Result<(u8, usize), ()> {
        Ok((
            block[65535] + aligned.0,
            std::ptr::from_ref(&aligned).addr() % 64,
        ))
    }
    #[traced]
    async fn large_async(block: [u8; 4096], aligned: Aligned, Zst: Zst) -> (u8, usize) {
        yield_now().await;
        (
            block[4095] + aligned.0,
            std::ptr::from_ref(&aligned).addr() % 64,
        )
    }
    let captured = capture(|| {
        assert_eq!(
            many(
                1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 36
            ),
            37
        );
        assert_eq!(large([1; 65536], Aligned(2), Zst), Ok((3, 0)));
        assert_eq!(block_on(large_async([1; 4096], Aligned(2), Zst)), (3, 0));
    });
    assert_eq!(captured.span("many").attributes.len(), 36);
    assert_eq!(captured.span("many").attribute("d5"), Some(&36.into()));
}

trait Shape: Debug {
    type Unit: Default + Debug;
    const SIDES: u8;
    #[traced]
    fn sides(&self) -> Result<u8, ()> {
        Ok(Self::SIDES)
    }
    #[traced]
    fn owned(self) -> Option<Self::Unit>
    where
        Self: Sized,
    {
        drop(self);
        Some(Self::Unit::default())
    }
}

trait Blanket {
    fn describe(&self) -> Result<String, ()>;
    #[traced(name = "provided")]
    fn provided(&self) -> String {
        self.describe().unwrap_or_default()
    }
    #[traced]
    fn generic<T>(&self, value: T) -> T
    where
        Self: Sized,
    {
        value
    }
}

impl<T: Debug + ?Sized> Blanket for T {
    #[traced]
    fn describe(&self) -> Result<String, ()> {
        Ok(format!("{self:?}"))
    }
}

#[derive(Debug)]
struct Square;

impl Shape for Square {
    type Unit = u16;
    const SIDES: u8 = 4;
}

// case: 46
#[test]
fn methods_of_traits() {
    let captured = capture(|| {
        assert_eq!((Square.sides(), Square.owned()), (Ok(4), Some(0)));
        let dynamic: &dyn Blanket = &Square;
        assert_eq!(dynamic.provided(), "Square");
        assert_eq!(Square.generic(1), 1);
    });
    let expected = [
        "sides ok",
        "owned ok",
        "describe ok",
        "provided ok",
        "generic ok",
    ];
    assert_eq!(ended(&captured), expected);
}

trait Native {
    fn opaque(&self) -> impl Future<Output = Result<u8, u8>> + Send;
    #[allow(async_fn_in_trait)]
    async fn native<T: Debug>(&self, n: T) -> String;
    #[allow(async_fn_in_trait)]
    #[traced]
    async fn provided(&self) -> u8 {
        self.opaque().await.unwrap_or(0) + 1
    }
    fn iterator(&self) -> impl Iterator<Item = u8>;
}

impl Native for Square {
    #[traced]
    async fn opaque(&self) -> Result<u8, u8> {
        yield_now().await;
        Err(1)
    }
    #[traced]
    async fn native<T: Debug>(&self, n: T) -> String {
        format!("{self:?} {n:?}")
    }
    #[traced]
    fn iterator(&self) -> impl Iterator<Item = u8> {
        0..3
    }
}

// case: 47
#[test]
fn native_async_methods_of_traits() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let captured = capture(|| {
        assert_eq!(block_on(is_send(Square.opaque())), Err(1));
        assert_eq!(block_on(Square.native(1)), "Square 1");
        assert_eq!(block_on(Native::provided(&Square)), 1);
        assert_eq!(Square.iterator().count(), 3);
    });
    let expected = [
        "opaque error",
        "native ok",
        "opaque error",
        "provided ok",
        "iterator ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 48
#[test]
fn the_same_name_in_several_places() {
    struct A;
    struct B;
    impl A {
        #[traced]
        fn run(&self) -> Result<u8, u8> {
            #[traced(name = "nested")]
            fn run() -> Result<u8, u8> {
                Ok(1)
            }
            run()
        }
    }
    impl B {
        #[traced]
        fn run(&self) -> Result<u8, u8> {
            Err(2)
        }
    }
    impl std::ops::Not for B {
        type Output = u8;
        #[traced(name = "run")]
        fn not(self) -> u8 {
            3
        }
    }
    mod a {
        #[obs_runtime::traced]
        pub(super) fn run() {}
    }
    let captured = capture(|| {
        assert_eq!((A.run(), B.run(), !B), (Ok(1), Err(2), 3));
        a::run();
    });
    let expected = ["nested ok", "run ok", "run error", "run ok", "run ok"];
    assert_eq!(ended(&captured), expected);
    let here = concat!(module_path!(), "::a");
    assert_eq!(captured.spans[4].module, here);
    let sites = obs_runtime::registry::callsites()
        .filter(|site| site.function() == "run" && site.file() == file!());
    let lines: std::collections::BTreeSet<_> =
        sites.map(obs_runtime::registry::Callsite::line).collect();
    assert_eq!(lines.len(), 4);
}
