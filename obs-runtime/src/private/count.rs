//! Numbers that an argument names: `count` and `dimensions` of a vector operation, `records` of a task.

/// A number of records, vectors or dimensions.
#[diagnostic::on_unimplemented(
    message = "expected a number, not `{Self}`",
    label = "expected `usize`, `u64`, `u32` or another integer, or an `Option` of one",
    note = "a closure sees the returned value: `count = |out| out.len()`, `records = |out| out.len()`"
)]
pub trait IntoCount {
    /// The number, if there is one; a negative one is none.
    fn into_count(self) -> Option<u64>;
}

macro_rules! into_count {
    ($($t:ty),*) => {
        $(impl IntoCount for $t {
            fn into_count(self) -> Option<u64> {
                u64::try_from(self).ok()
            }
        })*
    };
}

into_count!(usize, u64, u32, u16, u8, i32, i64);

impl<T: IntoCount> IntoCount for Option<T> {
    fn into_count(self) -> Option<u64> {
        self.and_then(T::into_count)
    }
}
