//! The parts of a flow: a step, and steps one after the other.
//!
//! Operators nest types: `a >> b >> c` is a [`Then`] of a [`Then`]. What is nested in types is flat when it runs: a
//! sequence has one span, and its steps, however they were put together, are its parts.

use core::fmt;
use core::panic::Location;
use std::sync::Arc;

use super::Step;
use super::label::{Label, MadeLabel, StepKind};
use super::observed::{Place, observed};

/// A part of a flow.
pub trait Node<I>: Send + Sync {
    /// What it makes.
    type Output: Send;
    /// Why it fails.
    type Error: fmt::Display + Send;

    /// Runs it as a step of its own.
    fn call(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;

    /// Runs it as a part of a sequence, which has begun: a sequence adds its steps.
    fn part(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        self.call(input, place)
    }

    /// How many steps of a sequence it is.
    fn steps(&self) -> usize {
        1
    }

    /// Writes its name, without what it does.
    fn write_name(&self, out: &mut String);
}

/// A step with a name.
pub struct One<S> {
    pub(super) step: S,
    pub(super) name: Arc<str>,
    label: Label,
    at: &'static Location<'static>,
}

impl<S> One<S> {
    pub(super) fn new(
        kind: StepKind,
        name: Arc<str>,
        at: &'static Location<'static>,
        step: S,
    ) -> Self {
        let label = Label::new(kind, &name, at);
        Self {
            step,
            name,
            label,
            at,
        }
    }

    /// The same step, changed.
    pub(super) fn map<T>(self, change: impl FnOnce(S) -> T) -> One<T> {
        One {
            step: change(self.step),
            name: self.name,
            label: self.label,
            at: self.at,
        }
    }

    pub(super) fn named(self, name: Arc<str>) -> Self {
        Self::new(self.label.kind, name, self.at, self.step)
    }
}

impl<I: Send, S: Step<I>> Node<I> for One<S> {
    type Output = S::Output;
    type Error = S::Error;

    fn call(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<S::Output, S::Error>> + Send {
        observed(self.label, place, self.step.call(input))
    }

    fn write_name(&self, out: &mut String) {
        out.push_str(&self.name);
    }
}

/// One part after the other.
pub struct Then<A, B> {
    first: A,
    second: B,
    label: MadeLabel,
}

impl<A, B> Then<A, B> {
    pub(super) fn new(first: A, second: B, at: &'static Location<'static>) -> Self {
        Self {
            first,
            second,
            label: MadeLabel::new(at),
        }
    }

    pub(super) const fn place(&self) -> &'static Location<'static> {
        self.label.place()
    }
}

impl<I: Send, A: Node<I>, B: Node<A::Output, Error = A::Error>> Node<I> for Then<A, B> {
    type Output = B::Output;
    type Error = A::Error;

    fn call(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<B::Output, A::Error>> + Send {
        let write_name = |name: &mut String| self.write_name(name);
        let label = self.label.get(StepKind::Sequence, write_name);
        observed(label, place, self.inside(input))
    }

    async fn part(&self, input: I, place: Place) -> Result<B::Output, A::Error> {
        let between = self.first.part(input, place).await?;
        let place = place.behind(self.first.steps());
        self.second.part(between, place).await
    }

    fn steps(&self) -> usize {
        self.first.steps() + self.second.steps()
    }

    fn write_name(&self, out: &mut String) {
        self.first.write_name(out);
        out.push_str(" >> ");
        self.second.write_name(out);
    }
}

/// A sequence or a parallel with a name of its own: it stays one step wherever it is put.
pub struct Named<N> {
    pub(super) node: N,
    name: Arc<str>,
    label: Label,
}

impl<N> Named<N> {
    pub(super) fn new(
        kind: StepKind,
        name: Arc<str>,
        at: &'static Location<'static>,
        node: N,
    ) -> Self {
        let label = Label::new(kind, &name, at);
        Self { node, name, label }
    }
}

/// What has several steps inside: what a name is given to.
pub trait Group<I>: Node<I> {
    /// Runs the steps, without a span around them.
    fn inside(&self, input: I) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

impl<I: Send, A: Node<I>, B: Node<A::Output, Error = A::Error>> Group<I> for Then<A, B> {
    fn inside(&self, input: I) -> impl Future<Output = Result<B::Output, A::Error>> + Send {
        self.part(input, Place::first_of(self.steps()))
    }
}

impl<I: Send, N: Group<I>> Node<I> for Named<N> {
    type Output = N::Output;
    type Error = N::Error;

    fn call(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<N::Output, N::Error>> + Send {
        observed(self.label, place, self.node.inside(input))
    }

    fn write_name(&self, out: &mut String) {
        out.push_str(&self.name);
    }
}
