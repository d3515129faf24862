//! From a value's type to its [`Kind`](super::Kind), without a bound on the type.
//!
//! One method with one bound per tier, and `Deref` to the next tier: several inherent methods of
//! the same name would show our internals in the error for a type that is not known yet.

use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::Pin;

use futures_core::Stream;

use super::as_text::TextProbe;
use super::future::{Later, LaterLocal, LaterSend, LaterSync, Now};
use super::kind::{ByDebug, ByDisplay, Fallible, Plain, Untold};
use super::stream::{BoxedItems, Items};

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

zero_sized!(Probe<T>, AnyProbe<T>, ResultProbe<T, E>, DebugProbe<T, E>, OpaqueProbe<T, E>, StreamProbe<T, S>);

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

    /// `err(Display)`
    #[inline(always)]
    pub fn __obs_by_display(&self) -> Fallible<ByDisplay> {
        Fallible(PhantomData)
    }
}

impl<T, E: Debug> DebugProbe<T, E> {
    /// The error's text is its `Debug`.
    #[inline(always)]
    pub fn __obs_how(&self) -> Fallible<ByDebug> {
        Fallible(PhantomData)
    }

    /// `err(Debug)`
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> Fallible<ByDebug> {
        Fallible(PhantomData)
    }
}

impl<T, E> OpaqueProbe<T, E> {
    /// The error has no text.
    #[inline(always)]
    pub fn __obs_how(&self) -> Fallible<Untold> {
        Fallible(PhantomData)
    }

    /// Where the error has no `Display`, which [`check_display`] refuses.
    #[inline(always)]
    pub fn __obs_by_display(&self) -> Fallible<Untold> {
        Fallible(PhantomData)
    }

    /// Where the error has no `Debug`, which [`check_debug`] refuses.
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> Fallible<Untold> {
        Fallible(PhantomData)
    }

    /// The error.
    #[inline(always)]
    pub fn __obs_error(&self) -> TextProbe<E> {
        TextProbe::new()
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

/// A type that is known to be a future or stream in a box: its call goes on after the function returned.
pub trait Boxed: Sized {
    /// Wraps it in another box.
    type When;
    /// The same for what has one end and one value; a stream is a value like any other.
    type Single;
    /// The strategy.
    fn when() -> Self::When;
    /// The strategy for one value.
    fn single() -> Self::Single;
}

/// A type that is known to be a stream in a box.
pub trait BoxedStream {
    /// Its items and its box.
    type Items;
}

macro_rules! boxed {
    ($($when:ident: $($auto:ident),*;)*) => {
        $(
            impl<'a, O> Boxed for Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
                type When = Later<O, $when>;
                type Single = Self::When;

                #[inline(always)]
                fn when() -> Self::When {
                    Later::new()
                }

                #[inline(always)]
                fn single() -> Self::When {
                    Later::new()
                }
            }

            impl<'a, T> Boxed for Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {
                type When = BoxedItems<T, $when>;
                type Single = Now<Self>;

                #[inline(always)]
                fn when() -> Self::When {
                    BoxedItems::new()
                }

                #[inline(always)]
                fn single() -> Self::Single {
                    Now::new()
                }
            }

            impl<'a, T> BoxedStream for Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {
                type Items = BoxedItems<T, $when>;
            }
        )*
    };
}

boxed! {
    LaterLocal: ;
    LaterSend: Send;
    LaterSync: Send, Sync;
}

impl<T: Boxed> Probe<T> {
    /// The values are there when the future in the box is ready, or the stream has an item.
    #[inline(always)]
    pub fn __obs_when(&self) -> T::When {
        T::when()
    }

    /// The value is there when the future in the box is ready.
    #[inline(always)]
    pub fn __obs_single(&self) -> T::Single {
        T::single()
    }
}

impl<T> AnyProbe<T> {
    /// The value is there.
    #[inline(always)]
    pub fn __obs_when(&self) -> Now<T> {
        Now::new()
    }

    /// The value is there.
    #[inline(always)]
    pub fn __obs_single(&self) -> Now<T> {
        Now::new()
    }
}

/// Stands for a type `S` that may be a stream of `T`.
pub struct StreamProbe<T, S>(AnyProbe<S>, PhantomData<fn(T)>);

/// A probe of the type of a value that is declared as `impl Stream<Item = T>`. `Stream` may be another
/// trait than ours, so there is no bound.
#[inline(always)]
pub fn probe_stream<T, S>(_: &S) -> StreamProbe<T, S> {
    StreamProbe(AnyProbe(PhantomData), PhantomData)
}

impl<T, S: Stream<Item = T>> StreamProbe<T, S> {
    /// The values are the stream's items.
    #[inline(always)]
    pub fn __obs_when(&self) -> Items<S> {
        Items::new()
    }
}

impl<T, S> Deref for StreamProbe<T, S> {
    type Target = AnyProbe<S>;

    #[inline(always)]
    fn deref(&self) -> &AnyProbe<S> {
        &self.0
    }
}
