//! One of several steps, chosen for each input.

use core::fmt;
use core::panic::Location;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::boxed::Boxed;
use super::context::WorkflowContext;
use super::error::{MadeOf, NoRoute};
use super::history::StepEvent;
use super::label::StepKind;
use super::node::{Node, One};
use super::observed::Place;
#[cfg(feature = "llm")]
use super::savings;
use super::{Flow, Step, account};
use crate::guarded::guarded;
#[cfg(feature = "llm")]
use crate::llm::Usd;
use crate::printable::formatted;
use crate::trace::current;
use crate::words::words;
use crate::{Error, semconv::attribute};

words! {
    /// Why a router took a route.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum RouteReason {
        /// The routing function named it.
        Chosen => "routing_function",
        /// The routing function named one that there is not, so it is the default.
        Unknown => "invalid_route_fallback",
        /// The routing function failed, so it is the default.
        Failed => "routing_error_fallback",
        /// There is none: neither what was named nor a default.
        None => "no_route",
    }
}

/// What a routing function gives: the name of a route, or none, or an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a route",
    label = "the routing function returns `{Self}`, which names no route",
    note = "a routing function returns `&'static str`, `String` or `Cow<'static, str>`, or an `Option` or a `Result` of one"
)]
pub trait IntoRoute {
    /// The name, or what the function failed with.
    #[doc(hidden)]
    fn into_route(self) -> Result<Option<Cow<'static, str>>, Cow<'static, str>>;
}

macro_rules! names {
    ($($name:ty),*) => {$(
        impl IntoRoute for $name {
            fn into_route(self) -> Result<Option<Cow<'static, str>>, Cow<'static, str>> {
                Ok(Some(self.into()))
            }
        }
    )*};
}

names!(&'static str, String, Cow<'static, str>);

impl<T: IntoRoute> IntoRoute for Option<T> {
    fn into_route(self) -> Result<Option<Cow<'static, str>>, Cow<'static, str>> {
        self.map_or(Ok(None), T::into_route)
    }
}

impl<T: IntoRoute, E: fmt::Display> IntoRoute for Result<T, E> {
    fn into_route(self) -> Result<Option<Cow<'static, str>>, Cow<'static, str>> {
        match self {
            Ok(route) => route.into_route(),
            Err(error) => Err(formatted(format_args!("{error}"))),
        }
    }
}

type Choose<I> = dyn Fn(&I) -> Result<Option<Cow<'static, str>>, Cow<'static, str>> + Send + Sync;

/// Chooses one of several flows for each input: created with a routing function, given routes, and built.
///
/// The flow that was chosen decides the outcome: its error is passed on, and no other flow is tried.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::steps::{Router, step};
///
/// let small = step("small", async |question: String| Ok::<_, String>(format!("quick: {question}")));
/// let large = step("large", async |question: String| Ok(format!("thorough: {question}")));
/// let model = Router::new("model", |question: &String| match question.len() {
///     0..20 => "fast",
///     _ => "quality",
/// })
/// .route("fast", small)
/// .route("quality", large)
/// .default_route("fast")
/// .build()?;
/// assert_eq!(model.call("why?".to_owned()).await.as_deref(), Ok("quick: why?"));
/// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
/// ```
#[must_use = "a router is a flow once it is built"]
pub struct Router<I, O, E> {
    name: Arc<str>,
    choose: Box<Choose<I>>,
    routes: Vec<(Arc<str>, Boxed<I, O, E>)>,
    default: Option<Arc<str>>,
    at: &'static Location<'static>,
    #[cfg(feature = "llm")]
    costs: HashMap<Arc<str>, Usd>,
}

impl<I, O, E> Router<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    /// Creates a router. The routing function names a route: a text, an `Option` of one, or a `Result` of either.
    #[track_caller]
    pub fn new<R: IntoRoute>(
        name: impl Into<Arc<str>>,
        choose: impl Fn(&I) -> R + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            choose: Box::new(move |input| choose(input).into_route()),
            routes: Vec::new(),
            default: None,
            at: Location::caller(),
            #[cfg(feature = "llm")]
            costs: HashMap::new(),
        }
    }

    /// Adds a route.
    pub fn route<N>(mut self, name: impl Into<Arc<str>>, flow: Flow<I, O, E, N>) -> Self
    where
        N: Node<I, Output = O, Error = E> + 'static,
    {
        self.routes.push((name.into(), flow.boxed().node));
        self
    }

    /// Sets the route for inputs whose route is not known.
    pub fn default_route(mut self, name: impl Into<Arc<str>>) -> Self {
        self.default = Some(name.into());
        self
    }

    /// Says what a call of a route costs: those to cheaper ones than the dearest save the difference, as
    /// [`savings`](super::savings) tells.
    #[cfg(feature = "llm")]
    pub fn cost(mut self, route: impl Into<Arc<str>>, per_call: Usd) -> Self {
        self.costs.insert(route.into(), per_call);
        self
    }

    /// Makes the flow.
    ///
    /// # Errors
    /// Fails if there are no routes, if two have one name, if the default is none of them, or if the costs of some routes
    /// alone are known.
    pub fn build(self) -> Result<Flow<I, O, E, One<Routed<I, O, E>>>, Error>
    where
        E: MadeOf<NoRoute>,
    {
        let wrong = |text: String| Err(Error::config(format!("the router `{}` {text}", self.name)));
        if self.routes.is_empty() {
            return wrong("has no routes: add one with `.route(name, flow)`".to_owned());
        }
        let mut by_name = HashMap::new();
        for (at, (name, _)) in self.routes.iter().enumerate() {
            if by_name.insert(Arc::clone(name), at).is_some() {
                return wrong(format!("has two routes `{name}`: give one another name"));
            }
        }
        let default = match &self.default {
            Some(name) if !by_name.contains_key(name) => {
                let names: Vec<&str> = self.routes.iter().map(|(name, _)| &**name).collect();
                return wrong(format!(
                    "has the default `{name}`, which is none of its routes: {}",
                    names.join(", ")
                ));
            }
            Some(name) => by_name.get(name).copied(),
            None => None,
        };
        self.tell_known(default);
        #[cfg(feature = "llm")]
        let savings = match self.savings(&by_name) {
            Ok(savings) => savings,
            Err(text) => return wrong(text),
        };
        let step = Routed {
            #[cfg(feature = "llm")]
            savings,
            name: Arc::clone(&self.name),
            choose: self.choose,
            routes: self.routes,
            by_name,
            default,
        };
        Ok(Flow::new(One::new(
            StepKind::Router,
            self.name,
            self.at,
            step,
        )))
    }
}

impl<I, O, E> Router<I, O, E> {
    /// Tells what it can decide.
    fn tell_known(&self, default: Option<usize>) {
        for (route, _) in &self.routes {
            account::may_decide(&self.name, route, RouteReason::Chosen.as_str());
        }
        match default {
            Some(at) => {
                for reason in [RouteReason::Unknown, RouteReason::Failed] {
                    account::may_decide(&self.name, &self.routes[at].0, reason.as_str());
                }
            }
            None => account::may_decide(&self.name, "", RouteReason::None.as_str()),
        }
    }
}

#[cfg(feature = "llm")]
impl<I, O, E> Router<I, O, E> {
    /// Returns what a call of each route saves; nothing if no costs are known.
    fn savings(&self, by_name: &HashMap<Arc<str>, usize>) -> Result<Vec<Usd>, String> {
        if let Some(other) = self.costs.keys().find(|name| !by_name.contains_key(*name)) {
            return Err(format!(
                "has the cost of `{other}`, which is none of its routes"
            ));
        }
        let costs = self.routes.iter().map(|(name, _)| self.costs.get(name));
        let known: Vec<Usd> = costs.flatten().copied().collect();
        match known.iter().max() {
            None => Ok(Vec::new()),
            Some(dearest) if known.len() == self.routes.len() => Ok(known
                .iter()
                .map(|cost| dearest.saturating_sub(*cost))
                .collect()),
            Some(_) => {
                let mut routes = self.routes.iter().map(|(name, _)| name);
                let without = routes.find(|name| !self.costs.contains_key(*name));
                let without = without.map_or("", |name| &**name);
                Err(format!(
                    "has no cost of `{without}`, so nobody knows what the other routes save: add it"
                ))
            }
        }
    }
}

/// A router that has been built.
pub struct Routed<I, O, E> {
    name: Arc<str>,
    choose: Box<Choose<I>>,
    routes: Vec<(Arc<str>, Boxed<I, O, E>)>,
    by_name: HashMap<Arc<str>, usize>,
    default: Option<usize>,
    /// What a call of each saves, if that is known.
    #[cfg(feature = "llm")]
    savings: Vec<Usd>,
}

impl<I, O, E> Routed<I, O, E> {
    /// Returns the route for an input and why, or why there is none.
    fn choose(&self, input: &I) -> Result<(usize, RouteReason), NoRoute> {
        // A routing function that panics has failed.
        let asked = guarded(|| (self.choose)(input));
        let asked = asked.unwrap_or(Err(Cow::Borrowed("it panicked")));
        if let Ok(Some(name)) = &asked
            && let Some(at) = self.by_name.get(&**name)
        {
            return Ok((*at, RouteReason::Chosen));
        }
        let reason = match &asked {
            Ok(_) => RouteReason::Unknown,
            Err(_) => RouteReason::Failed,
        };
        self.default.map(|at| (at, reason)).ok_or_else(|| {
            let (asked, cause) = match asked {
                Ok(asked) => (asked.map(Cow::into_owned), None),
                Err(cause) => (None, Some(cause.into_owned())),
            };
            NoRoute {
                router: Arc::clone(&self.name),
                asked,
                cause,
                routes: self
                    .routes
                    .iter()
                    .map(|(name, _)| Arc::clone(name))
                    .collect(),
            }
        })
    }

    fn tell(&self, route: &Arc<str>, reason: RouteReason) {
        account::decision(&self.name, route, reason.as_str());
        if current::is_recording() {
            current::set_attribute(attribute::OBS_ROUTER_ROUTE, route.to_string());
            current::set_attribute(attribute::OBS_ROUTER_REASON, reason.as_str());
        }
        if let Some(context) = WorkflowContext::current() {
            context.note(|| StepEvent::Routed {
                step: Arc::clone(&self.name),
                route: Arc::clone(route),
                reason,
            });
        }
    }
}

impl<I, O, E> Step<I> for Routed<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: fmt::Display + Send + From<NoRoute> + 'static,
{
    type Output = O;
    type Error = E;

    async fn call(&self, input: I) -> Result<O, E> {
        match self.choose(&input) {
            Ok((at, reason)) => {
                let (name, flow) = &self.routes[at];
                self.tell(name, reason);
                let result = flow.call(input, Place::NONE).await;
                #[cfg(feature = "llm")]
                if let (Ok(_), Some(saving)) = (&result, self.savings.get(at)) {
                    savings::saved(&self.name, savings::Why::Route, *saving);
                }
                result
            }
            Err(error) => {
                account::decision(&self.name, "", RouteReason::None.as_str());
                current::set_attribute(attribute::OBS_ROUTER_REASON, RouteReason::None.as_str());
                current::set_error("no_route", &error.to_string());
                Err(error.into())
            }
        }
    }
}

impl<I, O, E> fmt::Debug for Router<I, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
