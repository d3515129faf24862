//! Counts as clients of providers give them: in many types, known or not, and now and then impossible.

/// A number that a provider counted: an integer of any width, or an `Option` of one where the provider may leave it out.
///
/// A negative number and one beyond 63 bits are impossible. They are kept as the reason why a cost is not exact, and
/// never taken for a number. Who reads numbers of another sort says what they are with [`Count`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number of tokens",
    label = "expected an integer such as `u32` or `u64`, or an `Option` of one"
)]
pub trait TokenCount {
    /// Returns what is known of the number.
    fn count(self) -> Count;
}

/// What is known of a number that a provider may have counted.
///
/// ```
/// use obs_runtime::llm::{Count, TokenCount as _};
/// assert_eq!(80_u32.count(), Count::Known(80));
/// assert_eq!((-1).count(), Count::Impossible);
/// assert_eq!(None::<u64>.count(), Count::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Nothing was said.
    Unknown,
    /// So many.
    Known(u64),
    /// What was said cannot be a count.
    Impossible,
}

impl Count {
    /// The most that telemetry's numbers hold. What is above was a negative number before it was cast.
    const MOST: u64 = i64::MAX as u64;

    /// What is known of a number that was said.
    const fn said(number: u64) -> Self {
        if number <= Self::MOST {
            Self::Known(number)
        } else {
            Self::Impossible
        }
    }
}

impl TokenCount for Count {
    fn count(self) -> Count {
        match self {
            Self::Known(number) => Self::said(number),
            other => other,
        }
    }
}

macro_rules! integers {
    ($($t:ty),*) => { $(
        impl TokenCount for $t {
            fn count(self) -> Count {
                u64::try_from(self).map_or(Count::Impossible, Count::said)
            }
        }
    )* };
}

integers!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
);

impl<T: TokenCount> TokenCount for Option<T> {
    fn count(self) -> Count {
        self.map_or(Count::Unknown, T::count)
    }
}
