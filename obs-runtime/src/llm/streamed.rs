//! What the span and the metrics of a call say of its stream.

use crate::AttributeValue;
use crate::clock::Moment;
use crate::llm::pace::StreamTimes;
use crate::llm::record::CallRecord;
use crate::metrics::MetricsCollector;
use crate::semconv::attribute as key;
use crate::semconv::metric;
use crate::trace::SpanRecord;

impl CallRecord {
    /// How the stream came, of a call whose stream was followed.
    fn stream_times(&self) -> Option<StreamTimes> {
        let pace = self.pace.as_ref()?;
        Some(pace.times(Moment::now()))
    }

    /// Whether the answer was asked for as a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.request.stream || self.pace.is_some() || self.time_to_first_chunk.is_some()
    }

    /// The attributes of a streamed answer.
    pub(crate) fn stream_attributes(&self, set: &mut dyn FnMut(&'static str, AttributeValue)) {
        for (key, duration) in [
            (
                key::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
                self.time_to_first_chunk,
            ),
            (key::OBS_LLM_TIME_TO_FIRST_TOKEN, self.time_to_first_token),
        ] {
            if let Some(duration) = duration {
                set(key, duration.as_secs_f64().into());
            }
        }
        if let Some(times) = self.stream_times() {
            set(key::OBS_LLM_STREAM_CHUNKS, times.chunks.into());
            let [provider, consumer] = [times.provider, times.consumer].map(|d| d.as_secs_f64());
            set(key::OBS_LLM_STREAM_PROVIDER_TIME, provider.into());
            set(key::OBS_LLM_STREAM_CONSUMER_TIME, consumer.into());
        }
    }

    /// The metrics of a streamed answer of an inference call; `client` are the labels of the conventions.
    pub(crate) fn stream_metrics(&self, metrics: &MetricsCollector, client: &[(&str, &str)]) {
        for (def, duration) in [
            (
                &metric::GEN_AI_INFERENCE_TIME_TO_FIRST_CHUNK,
                self.time_to_first_chunk,
            ),
            (
                &metric::OBS_LLM_TIME_TO_FIRST_TOKEN,
                self.time_to_first_token,
            ),
        ] {
            if let Some(duration) = duration {
                metrics.observe(def, client, duration.as_secs_f64());
            }
        }
        let (Some(pace), Some(times)) = (&self.pace, self.stream_times()) else {
            return;
        };
        let def = &metric::GEN_AI_INFERENCE_TIME_PER_OUTPUT_CHUNK;
        metrics.observe_all(def, client, pace.waits().iter());
        if times.chunks == 0 {
            return;
        }
        for (side, duration) in [("provider", times.provider), ("consumer", times.consumer)] {
            let labels = [
                (key::GEN_AI_PROVIDER_NAME, &*self.provider),
                (key::GEN_AI_REQUEST_MODEL, &*self.model),
                (key::SIDE, side),
            ];
            let def = &metric::OBS_LLM_STREAM_DURATION;
            metrics.observe(def, &labels, duration.as_secs_f64());
        }
    }
}

impl StreamTimes {
    /// Reads the times from the finished span of a call; `None` if the call's stream was not followed.
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use obs_runtime::llm::{LlmCall, StreamTimes, Usage, observe_stream};
    ///
    /// let captured = obs_runtime::testing::capture(|| {
    ///     let call = LlmCall::new("openai", "chat", "gpt-4o-mini");
    ///     let chunks = observe_stream(call, stream::iter(["Hel", "lo"]), |_| None::<Usage>);
    ///     futures_util::FutureExt::now_or_never(chunks.count())
    /// });
    /// let times = StreamTimes::of(captured.span("chat gpt-4o-mini")).unwrap();
    /// assert_eq!(times.chunks, 2);
    /// ```
    pub fn of(span: &SpanRecord) -> Option<Self> {
        let number = |key| match span.attribute(key)? {
            AttributeValue::I64(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        let seconds = |key| match span.attribute(key)? {
            AttributeValue::F64(seconds) => core::time::Duration::try_from_secs_f64(*seconds).ok(),
            _ => None,
        };
        Some(Self {
            chunks: number(key::OBS_LLM_STREAM_CHUNKS)?,
            first_chunk: seconds(key::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK),
            first_token: seconds(key::OBS_LLM_TIME_TO_FIRST_TOKEN),
            provider: seconds(key::OBS_LLM_STREAM_PROVIDER_TIME)?,
            consumer: seconds(key::OBS_LLM_STREAM_CONSUMER_TIME)?,
        })
    }
}
