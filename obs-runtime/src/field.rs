//! Fields of spans that have no value yet.

/// The value of a field that only declares it: `fields(rows = field::Empty)`. The value comes later,
/// from [`current::record`](crate::current::record); without one the attribute is left out.
///
/// The name is that of `tracing`, whose `field::Empty` the macros take as well. They read the word
/// `Empty`, alone or behind `field::`.
///
/// ```
/// use obs_runtime::{current, field, testing, traced};
///
/// #[traced(fields(user = id, rows = field::Empty))]
/// fn load(id: u8) {
///     if id > 0 {
///         current::record("rows", 3);
///     }
/// }
///
/// testing::capture(|| load(7)).assert_tree("load user=7 rows=3");
/// testing::capture(|| load(0)).assert_tree("load user=0");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty;
