//! What a task function can take.

use core::any::{Any, TypeId, type_name};
use core::fmt;
use core::ops::Deref;
use std::collections::HashMap;
use std::sync::Arc;

use crate::pipeline::TaskContext;
use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::task::Requirement;

/// Values by their type.
#[derive(Clone, Default)]
pub(crate) struct TypeMap(HashMap<TypeId, Output>);

impl TypeMap {
    /// Whether there was no value of this type before.
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) -> bool {
        self.0.insert(TypeId::of::<T>(), Arc::new(value)).is_none()
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

macro_rules! shared {
    ($(#[$doc:meta])* $name:ident, $method:literal, $get:ident) => {
        $(#[$doc])*
        pub struct $name<T>(Arc<T>);

        impl<T> $name<T> {
            /// The value, to keep.
            pub fn into_inner(self) -> Arc<T> {
                self.0
            }
        }

        impl<T> From<T> for $name<T> {
            /// For calling a task like any function, in a test of its own.
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
    /// What a run works on: a parameter of a task, given by [`Pipeline::input`](crate::Pipeline::input).
    ///
    /// ```
    /// use obs_runtime::Input;
    ///
    /// async fn count(numbers: Input<Vec<u32>>) -> usize {
    ///     numbers.len()
    /// }
    /// # let _ = count(Input::from(vec![1]));
    /// ```
    Input, "input", inputs
}

shared! {
    /// What a run works with (a client, a connection pool): a parameter of a task, given by
    /// [`Pipeline::resource`](crate::Pipeline::resource).
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
    note = "a parameter is the output of a task in `depends_on(…)` and has its name, or is `Input<T>`, `Resource<T>` or `&TaskContext`"
)]
pub trait TaskParam: Sized {
    /// What the run must be given for it.
    fn requirement() -> Option<Requirement>;

    /// Its value in a run.
    ///
    /// # Errors
    /// When the run was not given it.
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
    /// Whether nobody else can have the output then.
    const MOVES: bool;

    /// Makes the parameter. `None` if the output is moved and somebody else still has it.
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
