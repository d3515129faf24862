//! From a value's type to its [`Judge`](super::Judge) and its [`Flow`], without a bound on the type.
//!
//! One method with one bound per tier, and `Deref` to the next tier: several inherent methods of
//! the same name would show our internals in the error for a type that is not known yet.

use core::fmt::{Debug, Display};
use core::marker::PhantomData;

use futures_core::Stream;

use super::as_text::TextProbe;
use super::flow::{BoxedFuture, BoxedStream, Direct, Flow, InOk, Items, Now};
use super::judge::{ByDebug, ByDisplay, Fallible, NoText, Plain};

/// Stands for the type `T`.
pub struct Probe<T>(FutureProbe<T>);

/// The tier of boxed futures.
pub struct FutureProbe<T>(AnyProbe<T>);

/// The last tier: any type.
pub struct AnyProbe<T>(PhantomData<fn(T)>);

/// Says which tier autoderef tries after another.
macro_rules! below {
    ($($tier:ident<$($p:ident),*> => $next:ident),*) => {
        $(
            impl<$($p),*> core::ops::Deref for $tier<$($p),*> {
                type Target = $next<$($p),*>;

                #[inline(always)]
                fn deref(&self) -> &$next<$($p),*> {
                    &self.0
                }
            }
        )*
    };
}
pub(super) use below;

below! {
    Probe<T> => FutureProbe,
    FutureProbe<T> => AnyProbe,
    ResultProbe<T, E> => DebugProbe,
    DebugProbe<T, E> => OpaqueProbe
}

macro_rules! copy {
    ($($tier:ident),*) => {
        $(
            impl<T> Clone for $tier<T> {
                #[inline(always)]
                fn clone(&self) -> Self {
                    *self
                }
            }

            impl<T> Copy for $tier<T> {}
        )*
    };
}

copy!(Probe, FutureProbe, AnyProbe);

impl<T> Probe<T> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(FutureProbe(AnyProbe(PhantomData)))
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

impl<T: IsResult> Probe<T> {
    /// A `Result`, under any alias.
    #[inline(always)]
    pub fn __obs_judge(&self) -> ResultProbe<T::Ok, T::Err> {
        ResultProbe(DebugProbe(OpaqueProbe(PhantomData)))
    }
}

impl<T> AnyProbe<T> {
    /// Anything else.
    #[inline(always)]
    pub fn __obs_judge(&self) -> Plain {
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
    pub fn __obs_how(&self) -> Fallible<NoText> {
        Fallible(PhantomData)
    }

    /// Where the error has no `Display`, which [`check_display`] refuses.
    #[inline(always)]
    pub fn __obs_by_display(&self) -> Fallible<NoText> {
        Fallible(PhantomData)
    }

    /// Where the error has no `Debug`, which [`check_debug`] refuses.
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> Fallible<NoText> {
        Fallible(PhantomData)
    }

    /// The error.
    #[inline(always)]
    pub fn __obs_error(&self) -> TextProbe<E> {
        TextProbe::new()
    }
}

impl<T: BoxedStream> Probe<T> {
    /// The call goes on in a boxed stream.
    #[inline(always)]
    pub fn __obs_when(&self) -> Flow<T::Items> {
        Flow::new()
    }
}

impl<T: BoxedFuture> FutureProbe<T> {
    /// The call goes on in a boxed future.
    #[inline(always)]
    pub fn __obs_when(&self) -> Flow<T::Later> {
        Flow::new()
    }

    /// As `__obs_when`, where a stream is a value like any other.
    #[inline(always)]
    pub fn __obs_single(&self) -> Flow<T::Later> {
        Flow::new()
    }
}

impl<T> AnyProbe<T> {
    /// The call ends here.
    #[inline(always)]
    pub fn __obs_when(&self) -> Flow<Now<T>> {
        Flow::new()
    }

    #[inline(always)]
    pub fn __obs_single(&self) -> Flow<Now<T>> {
        Flow::new()
    }
}

/// Stands for the type `S` of a stream, as is said, that is where `P` says.
pub struct StreamProbe<S, P>(AnyStream<S, P>);

/// The tier of any stream.
pub struct AnyStream<S, P>(NoStream<S, P>);

/// The last tier: no stream.
pub struct NoStream<S, P>(PhantomData<fn(S, P)>);

below! {
    StreamProbe<S, P> => AnyStream,
    AnyStream<S, P> => NoStream
}

impl<S, P> StreamProbe<S, P> {
    #[inline(always)]
    const fn new() -> Self {
        Self(AnyStream(NoStream(PhantomData)))
    }
}

impl<T: IsResult> Probe<T> {
    /// The stream is the `Ok` value.
    #[inline(always)]
    pub fn __obs_stream(&self) -> StreamProbe<T::Ok, InOk> {
        StreamProbe::new()
    }
}

impl<T> AnyProbe<T> {
    /// The stream is the value.
    #[inline(always)]
    pub fn __obs_stream(&self) -> StreamProbe<T, Direct> {
        StreamProbe::new()
    }

    /// The stream is the value, of a type without a name: there is no need for another box.
    #[inline(always)]
    pub fn __obs_opaque_stream(&self) -> AnyStream<T, Direct> {
        AnyStream(NoStream(PhantomData))
    }
}

impl<S: BoxedStream, P> StreamProbe<S, P> {
    /// A boxed stream, in another box.
    #[inline(always)]
    pub fn __obs_flow(&self) -> Flow<S::Items, P> {
        Flow::new()
    }

    /// As `__obs_flow`, where other streams cannot be wrapped.
    #[inline(always)]
    pub fn __obs_boxed_flow(&self) -> Flow<S::Items, P> {
        Flow::new()
    }
}

impl<S: Stream, P> AnyStream<S, P> {
    /// Any stream, in a wrapper.
    #[inline(always)]
    pub fn __obs_flow(&self) -> Flow<Items<S>, P> {
        Flow::new()
    }
}

impl<S, P> NoStream<S, P> {
    /// No stream: where one was asked for, [`check_stream`](super::check_stream) says so, and nothing else does.
    #[inline(always)]
    pub fn __obs_flow(&self) -> Flow<Now<S>, P> {
        Flow::new()
    }

    #[inline(always)]
    pub fn __obs_boxed_flow(&self) -> Flow<Now<S>, P> {
        Flow::new()
    }
}
