//! From a value's type to its [`Judge`](super::Judge) and its [`ValueFlow`], without a bound on the type.
//!
//! One method with one bound per tier, and `Deref` to the next tier: several inherent methods of
//! the same name would show our internals in the error for a type that is not known yet.

use core::error::Error;
use core::fmt::{Debug, Display};
use core::marker::PhantomData;

use futures_core::Stream;

#[cfg(feature = "llm")]
use crate::llm::{ProviderError, failure::Failure};

use super::as_text::TextProbe;
use super::flow::{BoxedFuture, BoxedStream, Direct, InOk, Items, Now, ValueFlow};
use super::judge::{
    ByAnyError, ByAnySendError, ByAnySendSyncError, ByCauses, ByDebug, ByDisplay, Fallible, NoText,
    Plain,
};

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

/// Declares what the tiers answer: methods of one expression each, which need no data.
macro_rules! answers {
    ($(impl[$($generics:tt)*] $tier:ty {
        $($(#[$doc:meta])* $method:ident -> $answer:ty = $value:expr;)+
    })+) => {
        $(impl<$($generics)*> $tier {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $method(&self) -> $answer {
                    $value
                }
            )+
        })+
    };
}
pub(super) use answers;

below! {
    Probe<T> => FutureProbe,
    FutureProbe<T> => AnyProbe,
    ResultProbe<T, E> => AnyErrorProbe,
    AnyErrorProbe<T, E> => AnySendSyncErrorProbe,
    AnySendSyncErrorProbe<T, E> => AnySendErrorProbe,
    AnySendErrorProbe<T, E> => DisplayProbe,
    DisplayProbe<T, E> => DebugProbe,
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

answers! {
    impl[T: IsResult] Probe<T> {
        /// A `Result`, under any alias.
        __obs_judge -> ResultProbe<T::Ok, T::Err> = ResultProbe::new();
    }

    impl[T] AnyProbe<T> {
        /// Anything else.
        __obs_judge -> Plain = Plain;
    }
}

#[cfg(feature = "llm")]
answers! {
    impl[T: HasProviderError] Probe<T> {
        /// A `Result` whose error says what the provider answered.
        __obs_failure -> fn(&T) -> Failure = T::failure;
    }

    impl[T] AnyProbe<T> {
        /// Anything else, of which no failure proves anything.
        __obs_failure -> fn(&T) -> Failure = |_| Failure::default();
    }
}

/// A `Result` whose error is a [`ProviderError`].
#[cfg(feature = "llm")]
pub trait HasProviderError {
    fn failure(&self) -> Failure;
}

#[cfg(feature = "llm")]
impl<T, E: ProviderError> HasProviderError for Result<T, E> {
    fn failure(&self) -> Failure {
        self.as_ref().err().map(Failure::of).unwrap_or_default()
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

/// A `Result` whose error may be an `Error`.
pub struct ResultProbe<T, E>(AnyErrorProbe<T, E>);

/// A `Result` whose error may hold an `Error`.
pub struct AnyErrorProbe<T, E>(AnySendSyncErrorProbe<T, E>);

/// The same for one that may go to other threads.
pub struct AnySendSyncErrorProbe<T, E>(AnySendErrorProbe<T, E>);

/// The same for one that may only be sent.
pub struct AnySendErrorProbe<T, E>(DisplayProbe<T, E>);

/// A `Result` whose error may have a `Display`.
pub struct DisplayProbe<T, E>(DebugProbe<T, E>);

/// A `Result` whose error may have a `Debug`.
pub struct DebugProbe<T, E>(OpaqueProbe<T, E>);

/// A `Result` with any error.
pub struct OpaqueProbe<T, E>(PhantomData<fn(T, E)>);

impl<T, E> ResultProbe<T, E> {
    #[inline(always)]
    const fn new() -> Self {
        let display = DisplayProbe(DebugProbe(OpaqueProbe(PhantomData)));
        Self(AnyErrorProbe(AnySendSyncErrorProbe(AnySendErrorProbe(
            display,
        ))))
    }
}

answers! {
    impl[T, E: Error] ResultProbe<T, E> {
        /// The error's text is its `Display`, and those of its causes.
        __obs_how -> Fallible<ByCauses> = Fallible(PhantomData);
    }

    impl['e, T, E: AsRef<dyn Error + 'e> + Display + Debug] AnyErrorProbe<T, E> {
        /// The same of the error that it holds, behind its own text.
        __obs_how -> Fallible<ByAnyError> = Fallible(PhantomData);
    }

    impl['e, T, E: AsRef<dyn Error + Send + Sync + 'e> + Display + Debug] AnySendSyncErrorProbe<T, E> {
        /// The same of the error that it holds, behind its own text.
        __obs_how -> Fallible<ByAnySendSyncError> = Fallible(PhantomData);
    }

    impl['e, T, E: AsRef<dyn Error + Send + 'e> + Display + Debug] AnySendErrorProbe<T, E> {
        /// The same of the error that it holds, behind its own text.
        __obs_how -> Fallible<ByAnySendError> = Fallible(PhantomData);
    }

    impl[T, E: Display] DisplayProbe<T, E> {
        /// The error's text is its `Display`.
        __obs_how -> Fallible<ByDisplay> = Fallible(PhantomData);
        /// `err(Display)`
        __obs_by_display -> Fallible<ByDisplay> = Fallible(PhantomData);
    }

    impl[T, E: Debug] DebugProbe<T, E> {
        /// The error's text is its `Debug`.
        __obs_how -> Fallible<ByDebug> = Fallible(PhantomData);
        /// `err(Debug)`
        __obs_by_debug -> Fallible<ByDebug> = Fallible(PhantomData);
    }

    impl[T, E] OpaqueProbe<T, E> {
        /// The error has no text.
        __obs_how -> Fallible<NoText> = Fallible(PhantomData);
        /// Where the error has no `Display`, which [`check_display`] refuses.
        __obs_by_display -> Fallible<NoText> = Fallible(PhantomData);
        /// Where the error has no `Debug`, which [`check_debug`] refuses.
        __obs_by_debug -> Fallible<NoText> = Fallible(PhantomData);
        /// The error.
        __obs_error -> TextProbe<E> = TextProbe::new();
    }

    impl[T: BoxedStream] Probe<T> {
        /// The call goes on in a boxed stream.
        __obs_when -> ValueFlow<T::Items> = ValueFlow::new();
    }

    impl[T: BoxedFuture] FutureProbe<T> {
        /// The call goes on in a boxed future.
        __obs_when -> ValueFlow<T::Later> = ValueFlow::new();
        /// As `__obs_when`, where a stream is a value like any other.
        __obs_single -> ValueFlow<T::Later> = ValueFlow::new();
    }

    impl[T] AnyProbe<T> {
        /// The call ends here.
        __obs_when -> ValueFlow<Now<T>> = ValueFlow::new();
        __obs_single -> ValueFlow<Now<T>> = ValueFlow::new();
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

answers! {
    impl[T: IsResult] Probe<T> {
        /// The stream is the `Ok` value.
        __obs_stream -> StreamProbe<T::Ok, InOk> = StreamProbe::new();
    }

    impl[T] AnyProbe<T> {
        /// The stream is the value.
        __obs_stream -> StreamProbe<T, Direct> = StreamProbe::new();
        /// The stream is the value, of a type without a name: there is no need for another box.
        __obs_opaque_stream -> AnyStream<T, Direct> = AnyStream(NoStream(PhantomData));
    }

    impl[S: BoxedStream, P] StreamProbe<S, P> {
        /// A boxed stream, in another box.
        __obs_flow -> ValueFlow<S::Items, P> = ValueFlow::new();
        /// As `__obs_flow`, where other streams cannot be wrapped.
        __obs_boxed_flow -> ValueFlow<S::Items, P> = ValueFlow::new();
    }

    impl[S: Stream, P] AnyStream<S, P> {
        /// Any stream, in a wrapper.
        __obs_flow -> ValueFlow<Items<S>, P> = ValueFlow::new();
    }

    impl[S, P] NoStream<S, P> {
        /// No stream: where one was asked for, [`check_stream`](super::check_stream) says so, and nothing else does.
        __obs_flow -> ValueFlow<Now<S>, P> = ValueFlow::new();
        __obs_boxed_flow -> ValueFlow<Now<S>, P> = ValueFlow::new();
    }
}
