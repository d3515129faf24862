//! Amounts of US dollars that add up exactly.

use core::fmt;

/// An amount of US dollars that is exact to 1e-12, so that sums do not drift.
///
/// It is serialized as a decimal text with all its digits, `"0.00015"`: readers of JSON keep numbers
/// as `f64`, in which amounts drift.
///
/// ```
/// use obs_runtime::llm::Usd;
/// let call = Usd::from_f64(0.000_15).unwrap();
/// assert_eq!((call + call).to_string(), "0.0003");
/// assert_eq!(call.as_f64(), 0.000_15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

/// The parts of a dollar in which amounts are kept: its millionth millionths.
const PICO: f64 = 1e12;

impl Usd {
    /// The amount of zero dollars.
    pub const ZERO: Self = Self(0);

    /// Creates an amount from dollars, rounded to 1e-12.
    ///
    /// Returns `None` for NaN, infinities, negative amounts and amounts above 1e18.
    pub fn from_f64(dollars: f64) -> Option<Self> {
        (0.0..=1e18)
            .contains(&dollars)
            .then(|| Self((dollars * PICO).round() as i128))
    }

    /// Returns the amount in units of 1e-12 dollars.
    pub const fn picodollars(self) -> i128 {
        self.0
    }

    /// Returns by how much this is more than another amount; zero if it is not.
    ///
    /// ```
    /// use obs_runtime::llm::Usd;
    /// let [one, two] = [1.0, 2.0].map(|dollars| Usd::from_f64(dollars).unwrap());
    /// assert_eq!((two.saturating_sub(one), one.saturating_sub(two)), (one, Usd::ZERO));
    /// ```
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        let difference = self.0.saturating_sub(other.0);
        if difference > 0 {
            Self(difference)
        } else {
            Self::ZERO
        }
    }

    /// Returns the amount in dollars, as the nearest `f64`.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / PICO
    }
}

impl core::ops::Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl core::ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl core::iter::Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| sum + amount)
    }
}

/// Writes dollars without their sign: all significant digits, and at least two decimals.
///
/// A precision rounds, as in `{:.4}`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digits) = f.precision() {
            return write!(f, "{:.digits$}", self.as_f64());
        }
        let text = format!("{:012}", self.0 % PICO as i128);
        let decimals = text.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / PICO as i128, &text[..decimals])
    }
}

crate::serialize::serialize_text!(display: Usd);
