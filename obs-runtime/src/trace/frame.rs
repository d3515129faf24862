//! The number of the frame that is open on a thread: what is done here is added there.
//!
//! Agents and workflows open frames (`llm/frame/`), in which usage is summed at once, whatever the
//! sampling. The number goes where the context goes: with a [`SpanContext`] to another task or thread,
//! with a span that is held by hand, and with the thread from one call to the next. Annotated
//! functions do not touch it, so programs without frames pay nothing.
//!
//! [`SpanContext`]: crate::SpanContext

/// The number of a frame: its place (the lower half), and how often the place was taken (the upper half).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "llm"),
    allow(unreachable_pub, reason = "a measurement has one")
)]
pub struct FrameId(u32);

impl FrameId {
    /// No frame is open.
    pub(crate) const NONE: Self = Self(0);

    /// Returns the number of the frame in a place that was taken so often; never [`NONE`](Self::NONE).
    #[cfg(feature = "llm")]
    pub(crate) const fn new(place: u16, turn: u16) -> Self {
        Self((turn as u32) << 16 | place as u32)
    }

    /// Returns the place and how often it was taken.
    #[cfg(feature = "llm")]
    pub(crate) const fn parts(self) -> (u16, u16) {
        (self.0 as u16, (self.0 >> 16) as u16)
    }
}
