//! Annotated functions in scopes that shadow what generated code might name.

#![allow(
    dead_code,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub,
    reason = "names that get in the way"
)]

use obs_runtime::testing::{capture, capture_async};

// case: 74
/// No prelude at all.
#[no_implicit_prelude]
mod bare {
    #[::obs_runtime::traced(fields(n, text = ?n), ret)]
    pub fn guard(n: u8) -> u8 {
        n
    }

    #[::obs_runtime::traced]
    pub fn closure(n: u8) -> ::std::result::Result<u8, u8> {
        if n == 0 {
            return ::std::result::Result::Err(n);
        }
        ::std::result::Result::Ok(n)
    }

    #[::obs_runtime::traced(fields(n))]
    pub async fn future(n: u8) -> u8 {
        n
    }
    #[::obs_runtime::traced(fields(n))]
    pub fn stream(n: u8) -> impl ::futures_util::Stream<Item = u8> {
        ::futures_util::stream::iter([n])
    }
}

// case: 71-73, 75, 79
/// Every name that a careless macro would use means something else.
mod shadowed {
    pub mod core {}
    pub mod std {}
    pub mod alloc {}
    pub mod obs_runtime {}
    pub struct Result;
    pub struct Option;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct str;
    pub struct u64;
    pub struct Callsite;
    pub trait Future {}
    pub trait Stream {}
    pub trait Drop {}
    pub trait FnOnce {}
    #[allow(non_snake_case)]
    pub fn Ok() {}
    #[allow(non_snake_case)]
    pub fn Err() {}
    #[allow(non_snake_case)]
    pub fn Some() {}
    pub const None: u8 = 0;
    #[allow(unused_macros)]
    macro_rules! module_path {
        () => {
            compile_error!("the user's module_path")
        };
    }
    #[allow(unused_macros)]
    macro_rules! file {
        () => {
            compile_error!("the user's file")
        };
    }
    #[allow(unused_macros)]
    macro_rules! format_args {
        ($($t:tt)*) => {
            compile_error!("the user's format_args")
        };
    }

    /// Methods on every type, with the names of ours.
    pub trait Everything {
        fn kind(&self) -> u8 {
            1
        }
        fn how(&self) -> u8 {
            2
        }
        fn when(&self) -> u8 {
            3
        }
        fn probe(&self) -> u8 {
            4
        }
        fn enter(&self) -> u8 {
            5
        }
        fn fields(&self) -> u8 {
            6
        }
        fn start(&self) -> u8 {
            7
        }
        fn handle(&self) -> u8 {
            8
        }
    }
    impl<T: ?Sized> Everything for T {}

    pub const __OBS_SITE: u8 = 9;

    #[::obs_runtime::traced(fields(__guard, constant = __OBS_SITE))]
    pub fn closure(__guard: u8) -> ::std::result::Result<u8, u8> {
        let __value = __guard + __OBS_SITE;
        let __site = __value;
        ::std::result::Result::Ok(__site)
    }

    #[::obs_runtime::traced(fields(__value), ret)]
    pub async fn future(__value: u8, __arg1: (u8, u8)) -> u8 {
        let (a, b) = __arg1;
        __value + a + b
    }

    #[::obs_runtime::traced(name = ::std::format!("{__probe}"))]
    pub fn alias(__probe: u8) -> Alias {
        ::std::result::Result::Err(__probe)
    }
    pub type Alias = ::std::result::Result<(), u8>;

    #[::obs_runtime::llm_call(provider = "p", model = __model, usage = |_| (1_u32, 2_u32))]
    pub fn model(__model: &::std::primitive::str, __slot: u8) -> ::std::result::Result<u8, u8> {
        let __start = __slot;
        ::std::result::Result::Ok(__start)
    }

    #[::obs_runtime::vector_op(system = "s", operation = "o", count = 3_u32)]
    pub fn vector() {}

    pub fn span() {
        let __span = ::obs_runtime::span!("by hand", x = 1 + 1);
        drop(__span);
    }
    fn drop<T>(_: T) {}
}

mod from_macro {
    macro_rules! define {
        ($(#[$attr:meta])* $vis:vis $name:ident($arg:ident: $ty:ty) -> $ret:ty $body:block) => {
            #[obs_runtime::traced(fields($arg))]
            $(#[$attr])*
            $vis fn $name($arg: $ty) -> $ret $body
        };
    }
    define!(#[inline] pub guard(n: u8) -> u8 { n + 1 });
    define!(pub closure(n: u8) -> Result<u8, u8> { Ok(n + 2) });

    macro_rules! local {
        ($value:expr, $name:literal) => {
            #[obs_runtime::traced(name = $name, fields(value = $value))]
            pub async fn hygienic() -> u8 {
                let value = $value;
                value
            }
        };
    }
    local!(7, "local");
}

#[tokio::test]
async fn names_of_the_user_stay_what_they_are() {
    let captured = capture_async(async {
        assert_eq!(bare::guard(1), 1);
        assert_eq!(bare::closure(0), Err(0));
        assert_eq!(bare::future(2).await, 2);
        assert_eq!(futures_util::StreamExt::count(bare::stream(2)).await, 1);
        assert_eq!(shadowed::closure(1), Ok(10));
        assert_eq!(shadowed::future(1, (2, 3)).await, 6);
        assert_eq!(shadowed::alias(4), Err(4));
        assert_eq!(shadowed::model("m", 5), Ok(5));
        shadowed::vector();
        shadowed::span();
        assert_eq!(from_macro::guard(1), 2);
        assert_eq!(from_macro::closure(1), Ok(3));
        assert_eq!(from_macro::hygienic().await, 7);
    })
    .await;
    let names: Vec<_> = captured
        .spans
        .iter()
        .map(|s| format!("{} {}", s.name, s.outcome.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            "guard ok",
            "closure error",
            "future ok",
            "stream ok",
            "closure ok",
            "future ok",
            "4 error",
            "chat m ok",
            "o ok",
            "by hand ok",
            "guard ok",
            "closure ok",
            "local ok",
        ]
    );
}

#[test]
fn raw_identifiers_lose_their_mark() {
    #[obs_runtime::traced(fields(r#type))]
    fn r#match(r#type: u8) -> u8 {
        r#type
    }
    let captured = capture(|| r#match(1));
    let span = captured.span("match");
    assert_eq!(span.function, "match");
    assert!(span.attribute("type").is_some());
}
