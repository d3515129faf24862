//! How a returned value and its error are looked at, by what their types offer.

#![allow(
    clippy::unused_self,
    reason = "methods of the tiers are found by the type of their receiver"
)]

use core::any::type_name;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use crate::pipeline::result::TaskError;

/// The error's type, for the tiers of `Described`.
pub fn error_of<T, E>(_: &Result<T, E>) -> PhantomData<E> {
    PhantomData
}

/// Looks at a returned value by its type: `failure` says whether it is an `Err`. The tiers are
/// linked by `Deref`, so that the first that fits is found without any trait in scope.
#[derive(Debug)]
pub struct Returned<'a, T>(Fallback<'a, T>);

/// Any value: it is no error.
#[derive(Debug)]
pub struct Fallback<'a, T>(&'a T);

/// Begins to look at a returned value.
pub fn returned<T>(value: &T) -> Returned<'_, T> {
    Returned(Fallback(value))
}

impl<'a, T> Deref for Returned<'a, T> {
    type Target = Fallback<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T, E> Returned<'_, Result<T, E>> {
    /// The error's description, if the value is one.
    pub fn failure(&self, describe: impl FnOnce(&E) -> TaskError) -> Option<TaskError> {
        self.0.0.as_ref().err().map(describe)
    }

    /// The type of the error, for the tiers of `Described`.
    pub fn error(&self) -> PhantomData<E> {
        PhantomData
    }
}

impl<T> Fallback<'_, T> {
    /// Nothing.
    pub fn failure(&self, _: impl FnOnce(&()) -> TaskError) -> Option<TaskError> {
        None
    }

    /// Nothing.
    pub fn error(&self) -> PhantomData<()> {
        PhantomData
    }
}

/// Describes an error by what its type offers: `Display`, else `Debug`, else its name alone.
#[derive(Debug)]
pub struct Described<E>(DescribedDebug<E>);

/// The tier below `Display`.
#[derive(Debug)]
pub struct DescribedDebug<E>(DescribedName<E>);

/// The tier below `Debug`.
#[derive(Debug)]
pub struct DescribedName<E>(PhantomData<E>);

/// Begins to look at an error's type.
pub const fn described<E>(_: PhantomData<E>) -> Described<E> {
    Described(DescribedDebug(DescribedName(PhantomData)))
}

impl<E> Deref for Described<E> {
    type Target = DescribedDebug<E>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<E> Deref for DescribedDebug<E> {
    type Target = DescribedName<E>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<E: fmt::Display> Described<E> {
    /// How to describe the error.
    pub fn how(&self) -> fn(&E) -> TaskError {
        |error| TaskError::new(type_name::<E>(), error.to_string())
    }
}

impl<E: fmt::Debug> DescribedDebug<E> {
    /// How to describe the error.
    pub fn how(&self) -> fn(&E) -> TaskError {
        |error| TaskError::new(type_name::<E>(), format!("{error:?}"))
    }
}

impl<E> DescribedName<E> {
    /// How to describe the error.
    pub fn how(&self) -> fn(&E) -> TaskError {
        |_| TaskError::new(type_name::<E>(), type_name::<E>())
    }
}
