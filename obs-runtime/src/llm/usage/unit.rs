//! The units of which calls use some, and the methods of a usage for each.

use super::{TokenCount, Usage};

/// Declares the units: the variant, its name, its getter and setter with what they say.
macro_rules! units {
    ($( $unit:ident $name:literal $(get $get:ident $got:literal)? $(set $set:ident $said:literal)?; )*) => {
        /// What is counted. The first two are sums, of which others are parts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Unit {
            $($unit,)*
        }

        impl Unit {
            pub(crate) const ALL: [Self; UNITS] = [$(Self::$unit),*];

            /// Its name among the fields of a usage.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$unit => $name,)*
                }
            }
        }

        /// How many units there are.
        pub(crate) const UNITS: usize = [$($name),*].len();

        impl Usage {
            $($(
                #[doc = concat!("Returns ", $got)]
                pub const fn $get(&self) -> Option<u64> {
                    self.get(Unit::$unit)
                }
            )?)*

            $($(
                #[doc = concat!("Sets ", $said)]
                #[must_use]
                pub fn $set(self, number: impl TokenCount) -> Self {
                    self.with(Unit::$unit, number)
                }
            )?)*
        }
    };
}

units! {
    InputTokens "input_tokens"
        get input_tokens "all input tokens, cached ones among them.";
    OutputTokens "output_tokens"
        get output_tokens "all output tokens, those of reasoning among them.";
    CacheReadTokens "cache_read_tokens"
        get cache_read_tokens "the input tokens that came from the provider's cache."
        set cache_read "how many of the input tokens came from the cache.";
    CacheWriteTokens "cache_write_tokens"
        set cache_write "how many of the input tokens were written to the cache, of whichever lifetime. What is beyond \
            those of 5 minutes and of an hour has an unknown one, and a price between the two.";
    CacheWrite5mTokens "cache_write_5m_tokens"
        get cache_write_5m_tokens "the input tokens that were written to the cache for 5 minutes."
        set cache_write_5m "how many of the input tokens were written to the cache for 5 minutes.";
    CacheWrite1hTokens "cache_write_1h_tokens"
        get cache_write_1h_tokens "the input tokens that were written to the cache for an hour."
        set cache_write_1h "how many of the input tokens were written to the cache for an hour.";
    ReasoningTokens "reasoning_tokens"
        get reasoning_tokens "the output tokens of reasoning."
        set reasoning "how many of the output tokens were for reasoning.";
    AudioInputTokens "audio_input_tokens"
        get audio_input_tokens "the input tokens of audio."
        set audio_input "how many of the input tokens were audio.";
    AudioOutputTokens "audio_output_tokens"
        get audio_output_tokens "the output tokens of audio."
        set audio_output "how many of the output tokens were audio.";
    ImageInputTokens "image_input_tokens"
        get image_input_tokens "the input tokens of images."
        set image_input "how many of the input tokens were images.";
    ImageOutputTokens "image_output_tokens"
        get image_output_tokens "the output tokens of images."
        set image_output "how many of the output tokens were images.";
    CacheReadAudioTokens "cache_read_audio_tokens"
        get cache_read_audio_tokens "the tokens of audio that came from the provider's cache."
        set cache_read_audio "how many tokens were both of audio and from the cache.";
    CacheReadImageTokens "cache_read_image_tokens"
        get cache_read_image_tokens "the tokens of images that came from the provider's cache."
        set cache_read_image "how many tokens were both of images and from the cache.";
    Requests "requests"
        get request_count "how many requests the provider billed."
        set requests "how many requests the provider billed; one, if nothing is said.";
    WebSearches "web_searches"
        get web_search_count "how many searches of the web the provider made."
        set web_searches "how many searches of the web the provider made, which most charge for; none, if the provider's \
            last word says nothing.";
    CodeRuns "code_runs"
        get code_run_count "how many times the provider ran code."
        set code_runs "how many times the provider ran code, which some charge for; none, if its last word says nothing.";
}
