//! Names: nothing of ours leaks into the user's scope, nothing of the user's into ours.
//! Shadowed preludes and macros: hostile.rs.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    dropping_copy_types,
    unused_imports,
    reason = "the code that users write is what is tested"
)]

use obs_runtime::testing::capture;
use obs_tests::cases::{block_on, ended};

// case: 76
#[test]
fn nothing_leaks_into_the_body() {
    // Names of ours mean the user's, here and in the body.
    const __OBS_SITE: u8 = 1;
    static __OBS_TASK: u8 = 2;
    let __obs_guard = 3;
    drop(__obs_guard);
    trait Begin {
        fn begin(&self) -> u8 {
            5
        }
    }
    impl Begin for u8 {}
    #[obs_runtime::traced(fields(sum = __OBS_SITE + __obs_guard))]
    fn sync<'obs, __T>(
        __obs_parent: &'obs u8,
        __obs_guard: u8,
        __t: __T,
    ) -> Result<(u8, &'obs u8), __T> {
        if *__obs_parent == 0 {
            return Err(__t);
        }
        let __obs_value = 4;
        let __obs_judge = __OBS_SITE + __OBS_TASK + __obs_guard + __obs_value;
        Ok((__obs_judge + 0.begin(), __obs_parent))
    }
    #[obs_runtime::traced(fields(sum = __OBS_SITE + __obs_value), ret)]
    async fn future<'obs>(__obs_slot: &'obs u8, __obs_value: u8) -> &'obs u8 {
        let __obs_probe = __obs_value + __OBS_SITE;
        assert_eq!(__obs_probe, 8);
        __obs_slot
    }
    #[obs_runtime::traced(fields(__obs_guard), parent = __obs_parent)]
    fn guard(__obs_guard: u8, __obs_parent: Option<obs_runtime::SpanContext>) -> u8 {
        __obs_guard + 1
    }
    #[obs_runtime::traced]
    fn inside(__obs_guard: u8) -> u8 {
        __obs_guard
    }
    let captured = capture(|| {
        assert_eq!(inside(2), 2);
        assert_eq!(guard(8, None), 9);
        assert_eq!(sync(&1, 3, ()), Ok((15, &1)));
        assert_eq!(*block_on(future(&6, 7)), 6);
    });
    assert_eq!(
        ended(&captured),
        ["inside ok", "guard ok", "sync ok", "future ok"]
    );
    assert_eq!(
        captured.span("guard").attribute("__obs_guard"),
        Some(&8.into())
    );
    assert_eq!(captured.span("sync").attribute("sum"), Some(&4.into()));
}

/// A library that re-exports ours, and wraps the attribute in a macro of its own.
mod facade {
    #[doc(hidden)]
    pub(crate) use ::obs_runtime as reexported;

    macro_rules! observed {
        ($(#[$attr:meta])* $vis:vis fn $($rest:tt)*) => {
            #[$crate::hygiene::facade::reexported::traced(crate = $crate::hygiene::facade::reexported)]
            $(#[$attr])* $vis fn $($rest)*
        };
        ($vis:vis async fn $($rest:tt)*) => {
            #[$crate::hygiene::facade::reexported::traced(crate = $crate::hygiene::facade::reexported, name = "wrapped")]
            $vis async fn $($rest)*
        };
    }
    pub(crate) use observed;
}

// case: 78
mod through_a_facade {
    // The path below must come from `crate = …`.
    mod obs_runtime {}
    super::facade::observed! {
        #[inline]
        pub(super) fn sync(n: u8) -> Result<u8, u8> { if n == 0 { Err(n) } else { Ok(n) } }
    }
    super::facade::observed! {
        pub(super) async fn future(n: u8) -> u8 { n }
    }
    const _: () = {
        use obs_runtime as _;
    };
}

#[test]
fn a_facade_with_the_path_of_its_crate() {
    let captured = capture(|| {
        assert_eq!(through_a_facade::sync(0), Err(0));
        assert_eq!(block_on(through_a_facade::future(1)), 1);
    });
    assert_eq!(ended(&captured), ["sync error", "wrapped ok"]);
}

/// Methods on every type, for every receiver, with the names that generated code calls.
mod blanket {
    pub(super) trait Everything: Sized {
        fn instrument(self) -> Self {
            panic!("the user's instrument")
        }
        fn enter(&self) -> Self {
            panic!("the user's enter")
        }
        fn record(&self) {
            panic!("the user's record")
        }
        fn start(&self) {
            panic!("the user's start")
        }
        fn poll(self) {
            panic!("the user's poll")
        }
        fn begin(&self) {
            panic!("the user's begin")
        }
        fn finish(&self) {
            panic!("the user's finish")
        }
        fn fields(&mut self) {
            panic!("the user's fields")
        }
        fn values(&self) {
            panic!("the user's values")
        }
    }
    impl<T> Everything for T {}
    #[obs_runtime::traced(fields(n), ret, name = format!("s{n}"))]
    pub(super) fn sync(n: u8) -> Result<u8, u8> {
        Ok(n)
    }
    #[obs_runtime::traced(fields(n), ret, links = None::<obs_runtime::SpanContext>)]
    pub(super) async fn future(n: u8) -> Result<u8, u8> {
        std::future::ready(()).await;
        Err(n)
    }
    #[obs_runtime::traced(fields(n))]
    pub(super) fn boxed(n: u8) -> std::pin::Pin<Box<dyn Future<Output = u8>>> {
        Box::pin(async move { n })
    }
}

// case: 75
#[test]
fn blanket_methods_are_not_called() {
    let captured = capture(|| {
        assert_eq!(blanket::sync(1), Ok(1));
        assert_eq!(block_on(blanket::future(2)), Err(2));
        assert_eq!(block_on(blanket::boxed(3)), 3);
    });
    assert_eq!(ended(&captured), ["s1 ok", "future error", "boxed ok"]);
}
