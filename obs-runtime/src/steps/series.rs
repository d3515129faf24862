//! Any number of steps.

use core::fmt;
use core::panic::Location;
use std::sync::Arc;

use super::boxed::Boxed;
use super::label::{MadeLabel, StepKind};
use super::node::{Group, Node};
use super::observed::{Place, observed};

/// Any number of steps from a type to itself, one after the other.
pub struct Series<I, E> {
    nodes: Vec<Boxed<I, I, E>>,
    label: MadeLabel,
}

impl<I, E> Series<I, E> {
    pub(super) fn new(nodes: Vec<Boxed<I, I, E>>, at: &'static Location<'static>) -> Self {
        Self {
            nodes,
            label: MadeLabel::new(at),
        }
    }

    pub(super) const fn place(&self) -> &'static Location<'static> {
        self.label.place()
    }
}

impl<I, E> Node<I> for Series<I, E>
where
    I: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    type Output = I;
    type Error = E;

    fn call(&self, input: I, place: Place) -> impl Future<Output = Result<I, E>> + Send {
        let write_name = |name: &mut String| self.write_name(name);
        let label = self.label.get(StepKind::Sequence, write_name);
        observed(label, place, self.inside(input))
    }

    async fn part(&self, input: I, mut place: Place) -> Result<I, E> {
        let mut value = input;
        for node in &self.nodes {
            value = node.part(value, place).await?;
            place = place.behind(node.steps());
        }
        Ok(value)
    }

    fn steps(&self) -> usize {
        self.nodes.iter().map(Node::steps).sum()
    }

    fn write_name(&self, out: &mut String) {
        out.push_str(&name_of(&self.nodes, " >> "));
    }
}

impl<I, E> Group<I> for Series<I, E>
where
    I: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    fn inside(&self, input: I) -> impl Future<Output = Result<I, E>> + Send {
        self.part(input, Place::first_of(self.steps()))
    }
}

/// The names of parts.
pub(super) fn name_of<I, N: Node<I>>(nodes: &[N], between: &str) -> Arc<str> {
    let mut name = String::new();
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            name.push_str(between);
        }
        node.write_name(&mut name);
    }
    name.into()
}
