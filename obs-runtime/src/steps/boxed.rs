//! A flow whose type has been erased.

use core::fmt;
use core::pin::Pin;
use std::sync::Arc;

use super::node::Node;
use super::observed::Place;

type BoxFuture<'a, O, E> = Pin<Box<dyn Future<Output = Result<O, E>> + Send + 'a>>;

/// The same as [`Node`], for any type of node.
trait Erased<I, O, E>: Send + Sync {
    fn call(&self, input: I, place: Place) -> BoxFuture<'_, O, E>;
    fn part(&self, input: I, place: Place) -> BoxFuture<'_, O, E>;
    fn steps(&self) -> usize;
    fn write_name(&self, out: &mut String);
}

impl<I, O, E, N> Erased<I, O, E> for N
where
    I: Send + 'static,
    N: Node<I, Output = O, Error = E>,
{
    fn call(&self, input: I, place: Place) -> BoxFuture<'_, O, E> {
        Box::pin(Node::call(self, input, place))
    }

    fn part(&self, input: I, place: Place) -> BoxFuture<'_, O, E> {
        Box::pin(Node::part(self, input, place))
    }

    fn steps(&self) -> usize {
        Node::steps(self)
    }

    fn write_name(&self, out: &mut String) {
        Node::write_name(self, out);
    }
}

/// A part whose type is erased.
pub struct Boxed<I, O, E>(Arc<dyn Erased<I, O, E>>);

impl<I: Send + 'static, O, E> Boxed<I, O, E> {
    pub(super) fn new(node: impl Node<I, Output = O, Error = E> + 'static) -> Self {
        Self(Arc::new(node))
    }
}

impl<I, O, E> Clone for Boxed<I, O, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, O, E> Node<I> for Boxed<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    type Output = O;
    type Error = E;

    fn call(&self, input: I, place: Place) -> impl Future<Output = Result<O, E>> + Send {
        self.0.call(input, place)
    }

    fn part(&self, input: I, place: Place) -> impl Future<Output = Result<O, E>> + Send {
        self.0.part(input, place)
    }

    fn steps(&self) -> usize {
        self.0.steps()
    }

    fn write_name(&self, out: &mut String) {
        self.0.write_name(out);
    }
}
