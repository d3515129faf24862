//! Functions that lints have something to say about, under an attribute.

#[cfg(not(feature = "obs"))]
use obs_tests_macros::identity as annotate;
#[cfg(feature = "obs")]
use obs_runtime::traced as annotate;

mod asynchronous;
mod methods;
pub mod of_macros;
mod synchronous;
