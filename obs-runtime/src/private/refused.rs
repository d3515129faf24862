//! `refused = |error| …`: which errors it sees.
//!
//! A function that returns a `Result` of a stream has two places for an error: in place of the stream, and as an item of
//! it. The closure sees the first, and the second where it is of the same type: a client that asks when the stream is
//! read has the refusal there. Where the stream is the value, its items are all there is.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::probe::{IsResult, Probe, answers, below};

/// Whether an error proves that the provider refused: `refused = closure`.
pub fn refusal<E: ?Sized>(error: &E, refused: impl Fn(&E) -> bool) -> bool {
    refused(error)
}

/// Stands for the type `V` of a value that is or holds a stream, and for that of the stream's items.
pub struct SeesProbe<V, T>(OuterProbe<V, T>);

/// The tier of a `Result` whose error is another than that of the items.
pub struct OuterProbe<V, T>(ItemsProbe<V, T>);

/// The tier of a stream that is the value.
pub struct ItemsProbe<V, T>(NoErrors<V, T>);

/// The last tier: there are no errors.
pub struct NoErrors<V, T>(PhantomData<fn(V, T)>);

below! {
    SeesProbe<V, T> => OuterProbe,
    OuterProbe<V, T> => ItemsProbe,
    ItemsProbe<V, T> => NoErrors
}

/// `refused` sees the error in place of the stream, and the items that are errors: they are of one type.
pub struct SeesBoth;

/// It sees the error in place of the stream.
pub struct SeesOuter;

/// It sees the items that are errors.
pub struct SeesItems;

/// There is nothing to see, which [`check_refused`] refuses.
pub struct SeesNothing;

/// A `Result` with the same error as another.
pub trait FailsAs<T> {}

impl<T, U, E> FailsAs<Result<U, E>> for Result<T, E> {}

answers! {
    impl[V: FailsAs<T>, T] SeesProbe<V, T> {
        __obs_sees -> SeesBoth = SeesBoth;
    }

    impl[V: IsResult, T] OuterProbe<V, T> {
        __obs_sees -> SeesOuter = SeesOuter;
    }

    impl[V, T: IsResult] ItemsProbe<V, T> {
        __obs_sees -> SeesItems = SeesItems;
    }

    impl[V, T] NoErrors<V, T> {
        __obs_sees -> SeesNothing = SeesNothing;
    }
}

/// A probe of both types.
pub fn probe_both<V, T>(_: Probe<V>, _: Probe<T>) -> SeesProbe<V, T> {
    SeesProbe(OuterProbe(ItemsProbe(NoErrors(PhantomData))))
}

/// There are errors that `refused` can see.
#[diagnostic::on_unimplemented(
    message = "`refused` needs a `Result`: it sees its error",
    label = "neither the function nor the stream that it returns gives a `Result`"
)]
pub trait SeesErrors {}

#[diagnostic::do_not_recommend]
impl SeesErrors for SeesBoth {}
#[diagnostic::do_not_recommend]
impl SeesErrors for SeesOuter {}
#[diagnostic::do_not_recommend]
impl SeesErrors for SeesItems {}

/// Refuses a `refused` that could see nothing.
pub fn check_refused<S: SeesErrors>(_: &S) {}

/// Of which values that are errors `refused` sees the error, where a stream of `T` is the value `V` or in it.
pub trait Sees<V, T> {
    type Error;

    fn outer(value: &V) -> Option<&Self::Error>;

    fn item(item: &T) -> Option<&Self::Error>;
}

impl<S, U, E> Sees<Result<S, E>, Result<U, E>> for SeesBoth {
    type Error = E;

    fn outer(value: &Result<S, E>) -> Option<&E> {
        value.as_ref().err()
    }

    fn item(item: &Result<U, E>) -> Option<&E> {
        item.as_ref().err()
    }
}

impl<S, T, E> Sees<Result<S, E>, T> for SeesOuter {
    type Error = E;

    fn outer(value: &Result<S, E>) -> Option<&E> {
        value.as_ref().err()
    }

    fn item(_: &T) -> Option<&E> {
        None
    }
}

impl<V, U, E> Sees<V, Result<U, E>> for SeesItems {
    type Error = E;

    fn outer(_: &V) -> Option<&E> {
        None
    }

    fn item(item: &Result<U, E>) -> Option<&E> {
        item.as_ref().err()
    }
}

impl<V, T> Sees<V, T> for SeesNothing {
    type Error = Infallible;

    fn outer(_: &V) -> Option<&Infallible> {
        None
    }

    fn item(_: &T) -> Option<&Infallible> {
        None
    }
}

/// `refused = closure`, of the value that is to give a stream.
pub fn refused_outer<V, T, S: Sees<V, T>>(
    _: S,
    _: SeesProbe<V, T>,
    refused: impl Fn(&S::Error) -> bool,
) -> impl Fn(&V) -> bool {
    move |value| S::outer(value).is_some_and(&refused)
}

/// `refused = closure`, of the items of a stream.
pub fn refused_item<V, T, S: Sees<V, T>>(
    _: S,
    _: SeesProbe<V, T>,
    refused: impl Fn(&S::Error) -> bool,
) -> impl Fn(&T) -> bool {
    move |item| S::item(item).is_some_and(&refused)
}
