//! What steps of obs fail with themselves. The program's error is made of it, as `?` makes one of another.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use crate::printable::Printable;

/// An error that can be made of one of obs, `X`: every type that is [`From`] it, and no other. It is a bound with a
/// clearer message.
///
/// ```
/// use obs_runtime::steps::{MadeOf, TimedOut};
///
/// #[derive(Debug)]
/// enum Failure {
///     Late(TimedOut),
/// }
///
/// impl From<TimedOut> for Failure {
///     fn from(error: TimedOut) -> Self {
///         Self::Late(error)
///     }
/// }
///
/// fn may_time_out<E: MadeOf<TimedOut>>() {}
/// may_time_out::<Failure>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a flow that fails with `{Self}` cannot fail with `{X}`",
    label = "this can fail with `{X}`",
    note = "implement `From<{X}>` for `{Self}` (`#[from]` of `thiserror` does), or let the flow fail with `String`, `Box<dyn Error + Send + Sync>` or `anyhow::Error`, by `.map_err(…)` before this"
)]
pub trait MadeOf<X>: From<X> {}

// So that the message is the one above, and not that of `From`.
#[diagnostic::do_not_recommend]
impl<E: From<X>, X> MadeOf<X> for E {}

/// A step took longer than it may.
///
/// The error of the flow is made of it (`E: From<TimedOut>`), so it is told apart from what the step itself fails with,
/// and by [`step`](Self::step) from the timeout of another step, inside or outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// The step.
    pub step: Arc<str>,
    /// How long it was given, the grace period among it.
    pub after: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the step `{}` timed out after {:?}",
            self.step, self.after
        )
    }
}

impl Error for TimedOut {}

impl From<TimedOut> for String {
    fn from(error: TimedOut) -> Self {
        error.to_string()
    }
}

/// A router has no route for an input, and no default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRoute {
    /// The router.
    pub router: Arc<str>,
    /// The route that was asked for; `None` if the routing function failed.
    pub asked: Option<String>,
    /// What the routing function failed with.
    pub cause: Option<String>,
    /// The routes that there are.
    pub routes: Vec<Arc<str>>,
}

/// The longest text of an unknown route in the message, in characters.
const SHOWN: usize = 100;

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.asked, &self.cause) {
            (Some(asked), _) => {
                let shown: String = asked.chars().take(SHOWN).collect();
                let more = if shown.len() < asked.len() { "…" } else { "" };
                let shown = Printable(shown);
                write!(
                    f,
                    "the router `{}` has no route `{shown}{more}`",
                    self.router
                )?;
            }
            (None, Some(cause)) => write!(
                f,
                "the router `{}` could not choose a route: {}",
                self.router,
                Printable(cause)
            )?,
            (None, None) => write!(f, "the router `{}` chose no route", self.router)?,
        }
        f.write_str(" and no default; its routes are")?;
        for (i, route) in self.routes.iter().enumerate() {
            let before = if i == 0 { " " } else { ", " };
            write!(f, "{before}`{route}`")?;
        }
        Ok(())
    }
}

impl Error for NoRoute {}

impl From<NoRoute> for String {
    fn from(error: NoRoute) -> Self {
        error.to_string()
    }
}
