//! A flow: what steps are put together to.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{BitOr, Shr};
use core::panic::Location;
use std::sync::Arc;

use super::Step;
use super::boxed::Boxed;
use super::branches::{All, Both, Branches, IntoTuple, Join};
use super::label::StepKind;
use super::node::{Group, Named, Node, One, Then};
use super::observed::Place;
use super::series::{Series, name_of};
use crate::Error;

/// A step with a name, or several put together by `>>` and `|`: takes an `I`, makes an `O`, fails with an `E`.
///
/// `N` is what it is made of. Without it the type is that of [`boxed`](Self::boxed), which can be named:
/// `Flow<Question, Answer, AppError>`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::steps::step;
///
/// async fn parse(text: String) -> Result<u32, String> {
///     text.parse().map_err(|_| format!("{text} is no number"))
/// }
///
/// let double = step("double", async |n: u32| Ok::<_, String>(n * 2));
/// let square = step("square", async |n: u32| Ok::<_, String>(n * n));
/// let flow = step("parse", parse) >> (double | square);
///
/// assert_eq!(flow.call("7".to_owned()).await, Ok((14, 49)));
/// assert_eq!(flow.call("x".to_owned()).await, Err("x is no number".to_owned()));
/// # });
/// ```
///
/// - `a >> b` runs `b` with the output of `a`. However sequences are nested, the steps are parts of one.
/// - `a | b` runs both with the same input, which is cloned, at the same time. The output is a tuple in the order of
///   the branches. The first that fails ends the others.
/// - One error type goes through the whole: [`map_err`](Self::map_err) makes one of another.
///
/// Each step has a span and is counted and timed as functions are, in `function.calls` and `function.calls.duration`.
#[must_use = "a flow does nothing until it is called"]
pub struct Flow<I, O, E, N = Boxed<I, O, E>> {
    pub(super) node: N,
    types: PhantomData<fn(I) -> Result<O, E>>,
}

impl<I, O, E, N> Flow<I, O, E, N> {
    pub(super) const fn new(node: N) -> Self {
        Self {
            node,
            types: PhantomData,
        }
    }
}

/// Gives a name to a step: an `async fn` or a closure that takes one value and returns a `Result`, or whatever else is a
/// [`Step`].
///
/// The name is that of its spans and the label of its metrics, so it is one of few.
///
/// A closure that owns what it uses is a plain one, which gives each call a clone and returns an `async move` block; an
/// `async move` closure is lent out by each call, and no step:
/// `move |n: u32| { let store = store.clone(); async move { store.get(n).await } }`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::{steps::step, testing};
///
/// let captured = testing::capture_async(async {
///     let half = step("half", async |n: f64| Ok::<_, String>(n / 2.0));
///     let _ = (half >> step("text", async |n: f64| Ok(n.to_string()))).call(3.0).await;
/// })
/// .await;
/// captured.assert_tree(
///     "
///     sequence half >> text
///       half obs.step.index=0
///       text obs.step.index=1
///     ",
/// );
/// # });
/// ```
#[track_caller]
pub fn step<I, S>(name: impl Into<Arc<str>>, step: S) -> Flow<I, S::Output, S::Error, One<S>>
where
    S: Step<I>,
{
    let at = Location::caller();
    Flow::new(One::new(StepKind::Function, name.into(), at, step))
}

/// Puts any number of steps from a type to itself one after the other.
///
/// # Errors
/// Fails if there are none: such a sequence would do nothing, and that is hardly meant.
#[track_caller]
pub fn sequence<I, E>(
    steps: impl IntoIterator<Item = Flow<I, I, E>>,
) -> Result<Flow<I, I, E, Series<I, E>>, Error>
where
    I: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    let at = Location::caller();
    let nodes: Vec<_> = steps.into_iter().map(|flow| flow.node).collect();
    if nodes.is_empty() {
        return Err(Error::config(
            "a sequence of no steps: give it at least one",
        ));
    }
    Ok(Flow::new(Series::new(nodes, at)))
}

/// Runs any number of steps at the same time, with the same input. The outputs are in the order of the steps; the first
/// that fails ends the others.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::steps::{parallel, step};
///
/// let shards = (0..3).map(|shard| {
///     step(format!("shard {shard}"), move |n: u32| async move { Ok::<_, String>(n + shard) }).boxed()
/// });
/// let all = parallel(shards)?.named("shards");
/// assert_eq!(all.call(10).await, Ok(vec![10, 11, 12]));
/// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// Fails if there are none.
#[track_caller]
pub fn parallel<I, O, E, N>(
    steps: impl IntoIterator<Item = Flow<I, O, E, N>>,
) -> Result<Flow<I, Vec<O>, E, One<All<N>>>, Error>
where
    I: Clone + Send,
    N: Node<I, Output = O, Error = E>,
{
    let at = Location::caller();
    let nodes: Vec<_> = steps.into_iter().map(|flow| flow.node).collect();
    if nodes.is_empty() {
        return Err(Error::config(
            "a parallel of no steps: give it at least one",
        ));
    }
    let name = name_of(&nodes, " | ");
    Ok(Flow::new(One::new(
        StepKind::Parallel,
        name,
        at,
        All(nodes),
    )))
}

impl<I, O, E, N> Flow<I, O, E, N>
where
    I: Send,
    N: Node<I, Output = O, Error = E>,
{
    /// Runs the flow.
    ///
    /// If the returned future is dropped, so is the step that runs: its span ends as cancelled.
    ///
    /// # Errors
    /// Fails with the error of the first step that does.
    pub fn call(&self, input: I) -> impl Future<Output = Result<O, E>> + Send {
        self.node.call(input, Place::NONE)
    }

    /// Returns the name: the one that it was given, or those of its steps.
    pub fn name(&self) -> String {
        let mut name = String::new();
        self.node.write_name(&mut name);
        name
    }

    /// Erases what the flow is made of, so that its type can be named, stored and cloned. A call of it allocates its
    /// future. What is erased stays what it was: steps of an erased sequence become steps of the one that it is put in.
    pub fn boxed(self) -> Flow<I, O, E>
    where
        I: 'static,
        N: 'static,
    {
        Flow::new(Boxed::new(self.node))
    }

    /// A step around this one, of the same name.
    #[track_caller]
    pub(super) fn around<S>(
        self,
        kind: StepKind,
        make: impl FnOnce(N, Arc<str>) -> S,
    ) -> Flow<I, S::Output, S::Error, One<S>>
    where
        S: Step<I>,
    {
        let name: Arc<str> = self.name().into();
        let step = make(self.node, Arc::clone(&name));
        Flow::new(One::new(kind, name, Location::caller(), step))
    }

    /// Makes an error of another type of this one's.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::steps::step;
    ///
    /// let parse = step("parse", async |text: &str| text.parse::<u32>());
    /// let flow = parse.map_err(|error| error.to_string()) >> step("next", async |n| Ok(n + 1));
    /// assert_eq!(flow.call("x").await, Err("invalid digit found in string".to_owned()));
    /// # });
    /// ```
    pub fn map_err<E2, F>(self, map: F) -> Flow<I, O, E2, MapErr<N, F>>
    where
        E2: fmt::Display + Send,
        F: Fn(E) -> E2 + Send + Sync,
    {
        Flow::new(MapErr {
            node: self.node,
            map,
        })
    }
}

/// A flow whose error becomes another. It has no span of its own.
pub struct MapErr<N, F> {
    node: N,
    map: F,
}

impl<I, E2, N, F> Node<I> for MapErr<N, F>
where
    I: Send,
    N: Node<I>,
    E2: fmt::Display + Send,
    F: Fn(N::Error) -> E2 + Send + Sync,
{
    type Output = N::Output;
    type Error = E2;

    async fn call(&self, input: I, place: Place) -> Result<N::Output, E2> {
        self.node.call(input, place).await.map_err(&self.map)
    }

    async fn part(&self, input: I, place: Place) -> Result<N::Output, E2> {
        self.node.part(input, place).await.map_err(&self.map)
    }

    fn steps(&self) -> usize {
        self.node.steps()
    }

    fn write_name(&self, out: &mut String) {
        self.node.write_name(out);
    }
}

impl<I, O, E, S> Flow<I, O, E, One<S>> {
    /// Gives the step another name.
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Self::new(self.node.named(name.into()))
    }
}

impl<I, O, E, A, B> Flow<I, O, E, Then<A, B>>
where
    Then<A, B>: Group<I>,
{
    /// Gives the sequence a name. It is one step from now on, wherever it is put.
    pub fn named(self, name: impl Into<Arc<str>>) -> Flow<I, O, E, Named<Then<A, B>>> {
        let at = self.node.place();
        Flow::new(Named::new(StepKind::Sequence, name.into(), at, self.node))
    }
}

#[allow(
    clippy::mismatching_type_param_order,
    reason = "its output is what it takes"
)]
impl<I, E> Flow<I, I, E, Series<I, E>>
where
    Series<I, E>: Group<I>,
{
    /// Gives the sequence a name. It is one step from now on, wherever it is put.
    pub fn named(self, name: impl Into<Arc<str>>) -> Flow<I, I, E, Named<Series<I, E>>> {
        let at = self.node.place();
        Flow::new(Named::new(StepKind::Sequence, name.into(), at, self.node))
    }
}

impl<I, O, E, A, B> Flow<I, O, E, Both<A, B>>
where
    Both<A, B>: Group<I>,
{
    /// Gives the parallel a name. It is one branch from now on, wherever it is put.
    pub fn named(self, name: impl Into<Arc<str>>) -> Flow<I, O, E, Named<Both<A, B>>> {
        let at = self.node.place();
        Flow::new(Named::new(StepKind::Parallel, name.into(), at, self.node))
    }
}

impl<I, M, O, E, A, B> Shr<Flow<M, O, E, B>> for Flow<I, M, E, A> {
    type Output = Flow<I, O, E, Then<A, B>>;

    #[track_caller]
    fn shr(self, next: Flow<M, O, E, B>) -> Self::Output {
        Flow::new(Then::new(self.node, next.node, Location::caller()))
    }
}

/// The outputs of both sides, in order.
type Outputs<I, A, B> = <<<A as Branches<I>>::Outputs as Join<<B as Branches<I>>::Outputs>>::Joined as IntoTuple>::Tuple;

impl<I, O1, O2, E, A, B> BitOr<Flow<I, O2, E, B>> for Flow<I, O1, E, A>
where
    A: Branches<I, Error = E>,
    B: Branches<I, Error = E>,
    A::Outputs: Join<B::Outputs>,
    <A::Outputs as Join<B::Outputs>>::Joined: IntoTuple,
{
    type Output = Flow<I, Outputs<I, A, B>, E, Both<A, B>>;

    #[track_caller]
    fn bitor(self, other: Flow<I, O2, E, B>) -> Self::Output {
        Flow::new(Both::new(self.node, other.node, Location::caller()))
    }
}

impl<I, O, E, N> Step<I> for Flow<I, O, E, N>
where
    I: Send,
    N: Node<I, Output = O, Error = E>,
    O: Send,
    E: fmt::Display + Send,
{
    type Output = O;
    type Error = E;

    fn call(&self, input: I) -> impl Future<Output = Result<O, E>> + Send {
        self.node.call(input, Place::NONE)
    }
}

impl<I, O, E> Clone for Flow<I, O, E> {
    fn clone(&self) -> Self {
        Self::new(self.node.clone())
    }
}

impl<I, O, E, N> fmt::Debug for Flow<I, O, E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
