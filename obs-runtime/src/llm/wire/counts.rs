//! Counts on their way to a [`Usage`].

use crate::llm::usage::{Count, Usage};

/// What an answer counts, in the normal form.
#[derive(Clone, Copy, Debug)]
pub(in crate::llm) struct Counts {
    pub(in crate::llm) input: Count,
    pub(in crate::llm) output: Count,
    pub(in crate::llm) cache_read: Count,
    /// Of whichever lifetime.
    pub(in crate::llm) cache_write: Count,
    pub(in crate::llm) cache_write_5m: Count,
    pub(in crate::llm) cache_write_1h: Count,
    pub(in crate::llm) reasoning: Count,
    /// Of audio, and of images, among what came from the cache.
    pub(in crate::llm) cache_read_audio: Count,
    pub(in crate::llm) cache_read_image: Count,
    pub(in crate::llm) audio_input: Count,
    pub(in crate::llm) audio_output: Count,
    pub(in crate::llm) image_input: Count,
    pub(in crate::llm) image_output: Count,
    pub(in crate::llm) web_searches: Count,
}

impl Default for Counts {
    fn default() -> Self {
        let unknown = Count::Unknown;
        Self {
            input: unknown,
            output: unknown,
            cache_read: unknown,
            cache_write: unknown,
            cache_write_5m: unknown,
            cache_write_1h: unknown,
            reasoning: unknown,
            cache_read_audio: unknown,
            cache_read_image: unknown,
            audio_input: unknown,
            audio_output: unknown,
            image_input: unknown,
            image_output: unknown,
            web_searches: unknown,
        }
    }
}

impl Counts {
    /// The usage, unless nothing is said of it. It is partial unless this is the provider's last word, which says the
    /// output: searches alone, in the last chunk of a stream, do not make its earlier counts the last ones.
    pub(in crate::llm) fn usage(mut self, is_last: bool) -> Option<Usage> {
        self.forget_zeros();
        let is_last = is_last && self.output != Count::Unknown;
        let usage = Usage::sums(self.input, self.output)
            .cache_read(self.cache_read)
            .cache_write(self.cache_write)
            .cache_write_5m(self.cache_write_5m)
            .cache_write_1h(self.cache_write_1h)
            .reasoning(self.reasoning)
            .cache_read_audio(self.cache_read_audio)
            .cache_read_image(self.cache_read_image)
            .audio_input(self.audio_input)
            .audio_output(self.audio_output)
            .image_input(self.image_input)
            .image_output(self.image_output)
            .web_searches(self.web_searches);
        let says_nothing = usage.is_unknown() && !usage.is_impossible();
        let usage = if is_last { usage } else { usage.partial() };
        (!says_nothing).then_some(usage)
    }

    /// No request is without input, so zeros there stand for what is not known yet, and so do zeros beside it.
    fn forget_zeros(&mut self) {
        if self.input != Count::Known(0) {
            return;
        }
        for count in [
            &mut self.input,
            &mut self.output,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.cache_write_5m,
            &mut self.cache_write_1h,
            &mut self.reasoning,
            &mut self.cache_read_audio,
            &mut self.cache_read_image,
            &mut self.audio_input,
            &mut self.audio_output,
            &mut self.image_input,
            &mut self.image_output,
            &mut self.web_searches,
        ] {
            if *count == Count::Known(0) {
                *count = Count::Unknown;
            }
        }
    }
}

/// The sum of a count and its other parts. Without the first there is none; other parts that are unknown are not there.
pub(in crate::llm) fn sum(first: Count, others: &[Count]) -> Count {
    let mut sum = match first {
        Count::Known(number) => number,
        other => return other,
    };
    for other in others {
        match other {
            Count::Unknown => {}
            Count::Impossible => return Count::Impossible,
            Count::Known(number) => sum = sum.saturating_add(*number),
        }
    }
    Count::Known(sum)
}

/// A count that a format leaves out where it is zero, if the object around it is there.
pub(in crate::llm) fn or_none(count: Count, is_there: bool) -> Count {
    match count {
        Count::Unknown if is_there => Count::Known(0),
        count => count,
    }
}

/// The sum of those that are known; unknown if none is.
pub(super) fn total(counts: impl IntoIterator<Item = Count>) -> Count {
    counts
        .into_iter()
        .filter(|count| *count != Count::Unknown)
        .reduce(|one, other| sum(one, &[other]))
        .unwrap_or(Count::Unknown)
}
