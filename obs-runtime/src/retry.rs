//! The rules by which a failed attempt is repeated: one mechanism, without a clock, for whoever repeats.

use core::time::Duration;

use crate::backoff;

/// The way in which the pause between two attempts grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Backoff {
    /// There is no pause.
    None,
    /// The pause is always the base delay.
    Constant,
    /// The pause is the base delay times the number of failed attempts.
    Linear,
    /// The pause is the base delay, doubled after each failed attempt (the default).
    #[default]
    Exponential,
}

/// The rules of repetition: how often what failed is repeated, and how long is waited before each time.
///
/// ```
/// use std::time::Duration;
/// use obs_runtime::pipeline::RetryPolicy;
///
/// let policy = RetryPolicy::new(3).delay(Duration::from_secs(1)).max_delay(Duration::from_secs(3));
/// let pauses: Vec<u64> = (1..=3).map(|failed| policy.longest_pause(failed).as_secs()).collect();
/// assert_eq!(pauses, [1, 2, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) jitter: f64,
    pub(crate) max_elapsed: Option<Duration>,
}

/// What an error says of its repetition. Generated code of tasks names it.
#[cfg_attr(not(feature = "pipeline"), expect(unreachable_pub))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hint {
    /// Nothing: the policy decides.
    #[default]
    None,
    /// A repetition is of no use.
    Never,
    /// Not before this time has passed.
    After(Duration),
}

impl RetryPolicy {
    /// The rules of what is never repeated.
    pub const NEVER: Self = Self::new(0);

    /// Creates rules of at most `retries` repetitions after the first attempt, with exponential backoff
    /// from 100 ms to at most 30 s, without jitter.
    pub const fn new(retries: u32) -> Self {
        Self {
            retries,
            backoff: Backoff::Exponential,
            delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(30),
            jitter: 0.0,
            max_elapsed: None,
        }
    }

    /// Sets how the pause grows.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the base delay, which is the pause after the first failed attempt.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the longest pause.
    #[must_use]
    pub const fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Shortens each pause by a random part of it, at most this fraction (0 to 1; other numbers
    /// are clamped). 1 is "full jitter": anything between nothing and the pause.
    #[must_use]
    pub const fn jitter(mut self, fraction: f64) -> Self {
        // NaN is neither above nor within.
        self.jitter = if fraction > 1.0 {
            1.0
        } else if fraction > 0.0 {
            fraction
        } else {
            0.0
        };
        self
    }

    /// Sets the longest time from the first attempt to the beginning of the last one, pauses among it.
    ///
    /// A repetition that would begin later is not waited for: the error counts at once.
    #[must_use]
    pub const fn max_elapsed(mut self, longest: Duration) -> Self {
        self.max_elapsed = Some(longest);
        self
    }

    /// Returns the number of repetitions after the first attempt.
    pub const fn retries(&self) -> u32 {
        self.retries
    }

    /// Returns the pause after `failed` failed attempts, before jitter.
    pub fn longest_pause(&self, failed: u32) -> Duration {
        let pause = match self.backoff {
            Backoff::None => Duration::ZERO,
            Backoff::Constant => self.delay,
            Backoff::Linear => self.delay.saturating_mul(failed),
            Backoff::Exponential => backoff::doubled(self.delay, failed, self.max_delay),
        };
        pause.min(self.max_delay)
    }

    /// Returns whether there is a pause before any repetition.
    #[cfg(feature = "pipeline")]
    pub(crate) fn pauses(&self) -> bool {
        self.retries > 0 && !self.longest_pause(1).is_zero()
    }

    /// Returns the pause after `failed` failed attempts. `random` is from 0 to 1, as
    /// [`backoff::random`] draws it.
    pub(crate) fn pause(&self, failed: u32, random: f64) -> Duration {
        let longest = self.longest_pause(failed);
        if self.jitter <= 0.0 || longest.is_zero() {
            return longest;
        }
        backoff::shortened(longest, self.jitter, random)
    }

    /// Returns the pause before the next attempt, if there is one: after `failed` failed attempts, of
    /// which the first began `elapsed` ago.
    ///
    /// Who asks to be left alone for a time knows best: that pause is neither shortened nor cut off at
    /// [`max_delay`](Self::max_delay). What bounds it is [`max_elapsed`](Self::max_elapsed).
    pub(crate) fn next(
        &self,
        failed: u32,
        elapsed: Duration,
        hint: Hint,
        random: f64,
    ) -> Option<Duration> {
        if failed > self.retries {
            return None;
        }
        let pause = match hint {
            Hint::Never => return None,
            Hint::After(asked) => asked,
            Hint::None => self.pause(failed, random),
        };
        let begins = elapsed.saturating_add(pause);
        let is_in_time = self.max_elapsed.is_none_or(|longest| begins <= longest);
        is_in_time.then_some(pause)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::NEVER
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
