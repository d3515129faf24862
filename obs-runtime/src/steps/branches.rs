//! Steps at the same time.
//!
//! All of them run on the caller's task: they wait at the same time, and nothing need be `'static`. A step that works
//! hard on a processor hands its work to a thread itself. The first that fails ends the others, which are dropped
//! where they wait.

use core::panic::Location;

use futures_util::future::{try_join, try_join_all};

use super::Step;
use super::boxed::Boxed;
use super::context::{Phase, WorkflowContext};
use super::flow::MapErr;
use super::label::{MadeLabel, StepKind};
use super::node::{Group, Named, Node, One, Then};
use super::observed::{Place, observed};
use super::series::Series;

/// What is one branch of a parallel, or several.
pub trait Branches<I>: Node<I> {
    /// What they make, as a list of types: `(A, (B, ()))`.
    type Outputs: Send;

    /// Runs each of them.
    fn branches(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<Self::Outputs, Self::Error>> + Send;

    /// How many they are.
    fn count(&self) -> usize {
        1
    }

    /// Writes their names.
    fn write_names(&self, out: &mut String) {
        self.write_name(out);
    }
}

/// Runs one branch, in a context of its own: what it changes there, the others do not see.
async fn branch<I, N: Node<I>>(node: &N, input: I, place: Place) -> Result<N::Output, N::Error> {
    let work = node.call(input, place);
    match WorkflowContext::current() {
        Some(context) => context.branch().scope(work).await,
        None => work.await,
    }
}

macro_rules! one_branch {
    ($([$($generic:tt)*] $node:ty;)*) => {$(
        impl<I: Send, $($generic)*> Branches<I> for $node
        where
            Self: Node<I>,
        {
            type Outputs = (<Self as Node<I>>::Output, ());

            async fn branches(
                &self,
                input: I,
                place: Place,
            ) -> Result<Self::Outputs, Self::Error> {
                Ok((branch(self, input, place).await?, ()))
            }
        }
    )*};
}

one_branch! {
    [S: Send + Sync] One<S>;
    [A: Send + Sync, B: Send + Sync] Then<A, B>;
    [N: Send + Sync] Named<N>;
    [O, E, J] Boxed<J, O, E>;
    [J, E] Series<J, E>;
    [N: Send + Sync, F: Send + Sync] MapErr<N, F>;
}

/// Branches beside each other.
pub struct Both<A, B> {
    first: A,
    second: B,
    label: MadeLabel,
}

impl<A, B> Both<A, B> {
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

/// The outputs of both, in order.
type Joined<I, A, B> = <<A as Branches<I>>::Outputs as Join<<B as Branches<I>>::Outputs>>::Joined;

impl<I, A, B> Branches<I> for Both<A, B>
where
    I: Clone + Send,
    A: Branches<I>,
    B: Branches<I, Error = A::Error>,
    A::Outputs: Join<B::Outputs>,
    Joined<I, A, B>: IntoTuple + Send,
{
    type Outputs = Joined<I, A, B>;

    async fn branches(&self, input: I, place: Place) -> Result<Self::Outputs, A::Error> {
        let first = self.first.branches(input.clone(), place);
        let second = self
            .second
            .branches(input, place.behind(self.first.count()));
        let (first, second) = try_join(first, second).await?;
        Ok(first.join(second))
    }

    fn count(&self) -> usize {
        self.first.count() + self.second.count()
    }

    fn write_names(&self, out: &mut String) {
        self.first.write_names(out);
        out.push_str(" | ");
        self.second.write_names(out);
    }
}

/// Marks in the workflow that branches begin, or that all have ended.
fn fan(name: &'static str) {
    if let Some(context) = WorkflowContext::current() {
        context.pass(name.into(), Phase::Passed);
    }
}

impl<I, A, B> Node<I> for Both<A, B>
where
    I: Clone + Send,
    A: Branches<I>,
    B: Branches<I, Error = A::Error>,
    A::Outputs: Join<B::Outputs>,
    Joined<I, A, B>: IntoTuple + Send,
{
    type Output = <Joined<I, A, B> as IntoTuple>::Tuple;
    type Error = A::Error;

    fn call(
        &self,
        input: I,
        place: Place,
    ) -> impl Future<Output = Result<Self::Output, A::Error>> + Send {
        let write_names = |name: &mut String| self.write_names(name);
        let label = self.label.get(StepKind::Parallel, write_names);
        observed(label, place, self.inside(input))
    }

    fn write_name(&self, out: &mut String) {
        out.push('(');
        self.write_names(out);
        out.push(')');
    }
}

impl<I, A, B> Group<I> for Both<A, B>
where
    I: Clone + Send,
    A: Branches<I>,
    B: Branches<I, Error = A::Error>,
    A::Outputs: Join<B::Outputs>,
    Joined<I, A, B>: IntoTuple + Send,
{
    async fn inside(&self, input: I) -> Result<Self::Output, A::Error> {
        fan("parallel.fan_out");
        let done = self.branches(input, Place::first_of(self.count())).await;
        fan("parallel.fan_in");
        done.map(IntoTuple::into_tuple)
    }
}

/// Any number of branches of one type: the outputs are a list.
pub struct All<N>(pub(super) Vec<N>);

impl<I, N> Step<I> for All<N>
where
    I: Clone + Send,
    N: Node<I>,
{
    type Output = Vec<N::Output>;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<Vec<N::Output>, N::Error> {
        let first = Place::first_of(self.0.len());
        let branches = self.0.iter().enumerate();
        let branches = branches.map(|(i, node)| branch(node, input.clone(), first.behind(i)));
        fan("parallel.fan_out");
        let done = try_join_all(branches).await;
        fan("parallel.fan_in");
        done
    }
}

/// Puts a list of types behind another.
pub trait Join<B> {
    /// Both.
    type Joined;
    /// Joins both.
    fn join(self, behind: B) -> Self::Joined;
}

impl<B> Join<B> for () {
    type Joined = B;

    fn join(self, behind: B) -> B {
        behind
    }
}

impl<H, T: Join<B>, B> Join<B> for (H, T) {
    type Joined = (H, T::Joined);

    fn join(self, behind: B) -> Self::Joined {
        (self.0, self.1.join(behind))
    }
}

/// Makes a tuple of a list of types.
#[diagnostic::on_unimplemented(
    message = "a parallel has at most 12 branches",
    note = "`steps::parallel` takes any number of one type"
)]
pub trait IntoTuple {
    /// The tuple.
    type Tuple: Send;
    /// Makes it.
    fn into_tuple(self) -> Self::Tuple;
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        tuples!(@one [$first $($rest)*]);
        tuples!($($rest)*);
    };
    () => {};
    (@one [$($name:ident)+]) => {
        impl<$($name: Send),+> IntoTuple for tuples!(@list $($name)+) {
            type Tuple = ($($name,)+);

            #[allow(non_snake_case, reason = "values are named after their types")]
            fn into_tuple(self) -> Self::Tuple {
                let tuples!(@list $($name)+) = self;
                ($($name,)+)
            }
        }
    };
    (@list $first:ident $($rest:ident)*) => { ($first, tuples!(@list $($rest)*)) };
    (@list) => { () };
}

tuples!(A B C D E F G H I J K L);
