//! What a step is.

use core::fmt;

/// Something that makes an output of an input: an `async fn` or closure of one parameter that returns a `Result`, or a
/// type of the program's own.
///
/// It is what a `tower::Service` is to requests, with two differences: it takes `&self`, so nothing is cloned for a
/// call, and it is always ready. What limits calls is a step around it.
///
/// ```
/// use obs_runtime::steps::Step;
///
/// struct Double;
///
/// impl Step<u32> for Double {
///     type Output = u32;
///     type Error = String;
///
///     async fn call(&self, input: u32) -> Result<u32, String> {
///         input.checked_mul(2).ok_or_else(|| "too large".to_owned())
///     }
/// }
/// ```
///
/// The trait has no object-safe form, so a call allocates nothing. Where a type must have a name,
/// [`Flow::boxed`](super::Flow::boxed) gives one, for a box for each call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step that takes `{I}`",
    label = "expected an `async fn` or closure of one parameter that returns a `Result`",
    note = "its future must be `Send`, and its error `Display + Send`; a closure says the type of its parameter, and is no `async` closure if it owns what it uses: `move |input: u32| async move {{ … }}`"
)]
pub trait Step<I>: Send + Sync {
    /// What it makes.
    type Output: Send;
    /// Why it fails.
    type Error: fmt::Display + Send;

    /// Makes an output of an input.
    ///
    /// # Errors
    /// As the step says.
    fn call(&self, input: I) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

// What a function lacks is said exactly by the compiler, such as the line where a future holds what is not `Send`.
impl<I, O, E, F, Fut> Step<I> for F
where
    F: Fn(I) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O, E>> + Send,
    O: Send,
    E: fmt::Display + Send,
{
    type Output = O;
    type Error = E;

    fn call(&self, input: I) -> impl Future<Output = Result<O, E>> + Send {
        self(input)
    }
}
