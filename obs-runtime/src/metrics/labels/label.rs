//! The trait of the types whose values can be labels of metrics.

/// The value of a metric's label: one of few that are known when the program is built.
///
/// Each value makes a series that is kept for good, so a label must not hold what differs from call
/// to call. `bool`, `&'static str` and enums without fields can be labels; texts made at run time,
/// numbers and `Option` cannot: they belong in `fields(…)` of a span.
///
/// ```
/// use obs_runtime::Label;
///
/// #[derive(Label)]
/// enum Region {
///     EuWest,
///     #[label(name = "us")]
///     UnitedStates,
/// }
///
/// assert_eq!(Region::EuWest.as_str(), "eu_west");
/// assert_eq!(Region::UnitedStates.as_str(), "us");
/// assert_eq!(Region::VALUES, Some(&["eu_west", "us"][..]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a label: a label needs few, known values",
    label = "not a label",
    note = "put `#[derive(obs_runtime::Label)]` on an enum without fields; `bool` and `&'static str` are labels too",
    note = "what differs from call to call belongs on the span: `fields(key = value)`"
)]
pub trait Label {
    /// All values, if the type knows them.
    const VALUES: Option<&'static [&'static str]>;

    /// Returns the value as exporters show it.
    fn as_str(&self) -> &'static str;
}

impl Label for bool {
    const VALUES: Option<&'static [&'static str]> = Some(&["false", "true"]);

    fn as_str(&self) -> &'static str {
        if *self { "true" } else { "false" }
    }
}

impl Label for &'static str {
    const VALUES: Option<&'static [&'static str]> = None;

    fn as_str(&self) -> &'static str {
        self
    }
}
