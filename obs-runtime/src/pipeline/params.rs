//! The parameters that a task function can take: inputs, resources, the context, and outputs.
//!
//! Generated code asks for each parameter through [`TaskParam`] or [`FromOutput`]. Their
//! `on_unimplemented` messages are what a user reads when a type does not fit, so they name the
//! remedy.

use core::any::{Any, TypeId, type_name};
use core::fmt;
use core::ops::Deref;
use std::collections::HashMap;
use std::sync::Arc;

use crate::pipeline::TaskContext;
use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::task::Requirement;

/// A map of values by their type.
#[derive(Clone, Default)]
pub(crate) struct TypeMap(HashMap<TypeId, (&'static str, Output)>);

impl TypeMap {
    /// Inserts a value, and returns whether there was none of its type before.
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) -> bool {
        let named: (_, Output) = (type_name::<T>(), Arc::new(value));
        self.0.insert(TypeId::of::<T>(), named).is_none()
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let (_, value) = self.0.get(&TypeId::of::<T>())?;
        value.clone().downcast().ok()
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }

    /// Returns the names of the types, sorted.
    pub(crate) fn type_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.values().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }
}

macro_rules! shared {
    ($(#[$doc:meta])* $name:ident, $method:literal, $get:ident) => {
        $(#[$doc])*
        pub struct $name<T>(Arc<T>);

        impl<T> $name<T> {
            /// Returns the value, to keep it.
            pub fn into_inner(self) -> Arc<T> {
                self.0
            }
        }

        impl<T> From<T> for $name<T> {
            /// Wraps a value, so that a test can call a task like any other function.
            fn from(value: T) -> Self {
                Self(Arc::new(value))
            }
        }

        impl<T> Deref for $name<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> AsRef<T> for $name<T> {
            fn as_ref(&self) -> &T {
                &self.0
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self(Arc::clone(&self.0))
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }

        impl<T: Any + Send + Sync> TaskParam for $name<T> {
            fn requirement() -> Option<Requirement> {
                Some(Requirement::new::<T>($method))
            }

            fn get(context: &TaskContext) -> Result<Self, TaskError> {
                match context.run.$get.get() {
                    Some(value) => Ok(Self(value)),
                    None => Err(missing($method, type_name::<T>())),
                }
            }
        }
    };
}

shared! {
    /// The value that a run works on, as a parameter of a task.
    ///
    /// [`Pipeline::input`](crate::pipeline::Pipeline::input) sets it.
    ///
    /// ```
    /// use obs_runtime::pipeline::Input;
    ///
    /// async fn count(numbers: Input<Vec<u32>>) -> usize {
    ///     numbers.len()
    /// }
    /// # let _ = count(Input::from(vec![1]));
    /// ```
    Input, "input", inputs
}

shared! {
    /// A value that a run works with, such as a client or a connection pool, as a parameter of a
    /// task.
    ///
    /// [`Pipeline::resource`](crate::pipeline::Pipeline::resource) sets it.
    Resource, "resource", resources
}

pub(crate) fn missing(method: &str, type_name: &str) -> TaskError {
    TaskError::new(
        method.to_owned(),
        format!("no {method} of type `{type_name}` was given: call `.{method}(…)` before `run`"),
    )
}

/// A parameter that is not the output of a dependency.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parameter that a task can take",
    label = "no dependency has this parameter's name",
    note = "a parameter is the output of a task in `depends_on(…)` and has its name, or is `Input<T>`, `Resource<T>`, `&TaskContext` or `&EffectKey`"
)]
pub trait TaskParam: Sized {
    /// Returns what the run must be given for this parameter.
    fn requirement() -> Option<Requirement>;

    /// Returns the parameter's value in a run.
    ///
    /// # Errors
    /// Returns an error when the run was not given it.
    fn get(context: &TaskContext) -> Result<Self, TaskError>;
}

impl TaskParam for TaskContext {
    fn requirement() -> Option<Requirement> {
        None
    }

    fn get(context: &TaskContext) -> Result<Self, TaskError> {
        Ok(context.clone())
    }
}

/// A parameter that is the output `O` of a dependency: `O` itself or `Arc<O>`.
#[diagnostic::on_unimplemented(
    message = "the dependency's output is `{O}`, not `{Self}`",
    label = "expected `&{O}`, `{O}` or `Arc<{O}>`"
)]
pub trait FromOutput<O>: Sized {
    /// Whether the parameter takes the output away, so that no other task can have it.
    const MOVES: bool;

    /// Makes the parameter; returns `None` if the output is moved and something else still has it.
    fn from_output(output: Arc<O>) -> Option<Self>;
}

impl<O> FromOutput<O> for O {
    const MOVES: bool = true;

    fn from_output(output: Arc<O>) -> Option<Self> {
        Arc::into_inner(output)
    }
}

impl<O> FromOutput<O> for Arc<O> {
    const MOVES: bool = false;

    fn from_output(output: Arc<O>) -> Option<Self> {
        Some(output)
    }
}
