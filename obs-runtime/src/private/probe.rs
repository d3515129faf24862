//! From a value's type to its [`Kind`](super::Kind), without a bound on the type.
//!
//! One method with one bound per tier, and `Deref` to the next tier: several inherent methods of
//! the same name would show our internals in the error for a type that is not known yet.

use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::Pin;

use super::future::{Later, LaterLocal, LaterSend, LaterSync, Now};
use super::kind::{ByDebug, ByDisplay, Fallible, Plain, Untold};

/// Stands for the type `T`.
pub struct Probe<T>(AnyProbe<T>);

/// The last tier: any type.
pub struct AnyProbe<T>(PhantomData<fn(T)>);

macro_rules! zero_sized {
    ($($name:ident<$($p:ident),*>),*) => {
        $(
            impl<$($p),*> Clone for $name<$($p),*> {
                #[inline(always)]
                fn clone(&self) -> Self {
                    *self
                }
            }
            impl<$($p),*> Copy for $name<$($p),*> {}
            impl<$($p),*> fmt::Debug for $name<$($p),*> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        )*
    };
}

zero_sized!(Probe<T>, AnyProbe<T>, ResultProbe<T, E>, DebugProbe<T, E>, OpaqueProbe<T, E>);

impl<T> Probe<T> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(AnyProbe(PhantomData))
    }
}

/// A probe of the value's type.
#[inline(always)]
pub fn probe<T>(_: &T) -> Probe<T> {
    Probe::new()
}

/// A probe of the type of the future's output.
#[inline(always)]
pub fn probe_output<F: Future>(_: &F) -> Probe<F::Output> {
    Probe::new()
}

impl<T> Deref for Probe<T> {
    type Target = AnyProbe<T>;

    #[inline(always)]
    fn deref(&self) -> &AnyProbe<T> {
        &self.0
    }
}

impl<T: IsResult> Probe<T> {
    /// A `Result`, under any alias.
    #[inline(always)]
    pub fn __obs_kind(&self) -> ResultProbe<T::Ok, T::Err> {
        ResultProbe(DebugProbe(OpaqueProbe(PhantomData)))
    }
}

impl<T> AnyProbe<T> {
    /// Anything else.
    #[inline(always)]
    pub fn __obs_kind(&self) -> Plain {
        Plain
    }
}

/// A `Result`.
pub trait IsResult {
    /// `T` of `Result<T, E>`.
    type Ok;
    /// `E` of `Result<T, E>`.
    type Err;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// A `Result` whose error may have a `Display`.
pub struct ResultProbe<T, E>(DebugProbe<T, E>);

/// A `Result` whose error may have a `Debug`.
pub struct DebugProbe<T, E>(OpaqueProbe<T, E>);

/// A `Result` with any error.
pub struct OpaqueProbe<T, E>(PhantomData<fn(T, E)>);

impl<T, E: Display> ResultProbe<T, E> {
    /// The error's text is its `Display`.
    #[inline(always)]
    pub fn __obs_how(&self) -> Fallible<ByDisplay> {
        Fallible(PhantomData)
    }
}

impl<T, E: Debug> DebugProbe<T, E> {
    /// The error's text is its `Debug`.
    #[inline(always)]
    pub fn __obs_how(&self) -> Fallible<ByDebug> {
        Fallible(PhantomData)
    }
}

impl<T, E> OpaqueProbe<T, E> {
    /// The error has no text.
    #[inline(always)]
    pub fn __obs_how(&self) -> Fallible<Untold> {
        Fallible(PhantomData)
    }
}

impl<T, E> Deref for ResultProbe<T, E> {
    type Target = DebugProbe<T, E>;

    #[inline(always)]
    fn deref(&self) -> &DebugProbe<T, E> {
        &self.0
    }
}

impl<T, E> Deref for DebugProbe<T, E> {
    type Target = OpaqueProbe<T, E>;

    #[inline(always)]
    fn deref(&self) -> &OpaqueProbe<T, E> {
        &self.0
    }
}

/// `err(Debug)`
#[inline(always)]
pub fn err_debug() -> Fallible<ByDebug> {
    Fallible(PhantomData)
}

/// `err(Display)`
#[inline(always)]
pub fn err_display() -> Fallible<ByDisplay> {
    Fallible(PhantomData)
}

/// A type that is known to be a future in a box: its call goes on after the function returned.
pub trait BoxedFuture {
    /// Wraps it in another box.
    type When;
    /// The strategy.
    fn when() -> Self::When;
}

macro_rules! boxed_future {
    ($($when:ident: $($auto:ident),*;)*) => {
        $(impl<'a, O> BoxedFuture for Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
            type When = Later<O, $when>;

            #[inline(always)]
            fn when() -> Self::When {
                Later::new()
            }
        })*
    };
}

boxed_future! {
    LaterLocal: ;
    LaterSend: Send;
    LaterSync: Send, Sync;
}

impl<T: BoxedFuture> Probe<T> {
    /// The value is there when the future in the box is ready.
    #[inline(always)]
    pub fn __obs_when(&self) -> T::When {
        T::when()
    }
}

impl<T> AnyProbe<T> {
    /// The value is there.
    #[inline(always)]
    pub fn __obs_when(&self) -> Now<T> {
        Now::new()
    }
}
