use proptest::prelude::*;

use super::*;

/// A stream whose polls come at chosen seconds.
struct Played {
    begin: Moment,
    pace: Pace,
}

impl Played {
    fn new() -> Self {
        let begin = Moment::now();
        let pace = Pace::new(begin);
        Self { begin, pace }
    }

    fn at(&self, seconds: u64) -> Moment {
        self.begin.plus(Duration::from_secs(seconds))
    }

    /// The body gives the stream away.
    fn handed_over(mut self, at: u64) -> Self {
        let at = self.at(at);
        self.pace.handed_over(at);
        self
    }

    fn polled(mut self, at: u64) -> Self {
        let at = self.at(at);
        self.pace.asked(at);
        self
    }

    fn chunk(mut self, at: u64) -> Self {
        let at = self.at(at);
        self.pace.gave(at, true);
        self
    }

    fn token(mut self, at: u64, told: Option<bool>) -> Self {
        let at = self.at(at);
        self.pace.output(at, told);
        self.chunk_at(at)
    }

    fn chunk_at(mut self, at: Moment) -> Self {
        self.pace.gave(at, true);
        self
    }

    fn error(mut self, at: u64) -> Self {
        let at = self.at(at);
        self.pace.gave(at, false);
        self
    }

    fn end(mut self, at: u64) -> StreamTimes {
        let at = self.at(at);
        self.pace.end(at);
        let later = self.pace.times(at.plus(Duration::from_secs(1_000)));
        assert_eq!(self.pace.times(at), later, "the end is the end");
        later
    }
}

fn seconds(duration: Option<Duration>) -> Option<u64> {
    duration.map(|duration| duration.as_secs())
}

/// The times of the provider and of the consumer.
fn sides(times: &StreamTimes) -> (u64, u64) {
    (times.provider.as_secs(), times.consumer.as_secs())
}

#[test]
fn a_slow_provider_is_one() {
    let stream = Played::new().handed_over(2).polled(2);
    let stream = stream.polled(4).polled(9).chunk(10).polled(10).chunk(40);
    let waits: Vec<f64> = stream.pace.waits().iter().collect();
    assert_eq!(waits, [30.0]);
    let times = stream.polled(40).end(41);
    assert_eq!(sides(&times), (39, 0));
    assert_eq!((times.chunks, seconds(times.first_chunk)), (2, Some(10)));
}

#[test]
fn a_slow_consumer_is_no_slow_provider() {
    // It lets the stream lie for 5 seconds, and works for 30 on each chunk.
    let stream = Played::new().handed_over(2).polled(7).chunk(8);
    let stream = stream.polled(38).chunk(38).polled(68).chunk(69);
    let waits: Vec<f64> = stream.pace.waits().iter().collect();
    assert_eq!(waits, [0.0, 1.0]);
    let times = stream.end(99);
    assert_eq!(sides(&times), (2, 5 + 30 + 30 + 30));
    // Of the 8 seconds until the first chunk, 3 were waited for it.
    assert_eq!(seconds(times.first_chunk), Some(3));
}

#[test]
fn the_first_token_is_not_the_first_chunk() {
    let role_first = Played::new().handed_over(1).polled(1).chunk(2);
    let stream = role_first
        .polled(2)
        .token(24, None)
        .polled(24)
        .token(25, None);
    let times = stream.end(25);
    assert_eq!(
        (seconds(times.first_chunk), seconds(times.first_token)),
        (Some(2), Some(24))
    );
    // Without output there is none, and no first chunk in its place.
    let times = Played::new().handed_over(1).polled(1).chunk(2).end(3);
    assert_eq!(seconds(times.first_token), None);
}

#[test]
fn what_the_program_says_of_a_chunk_stands_above_what_a_reader_sees() {
    let mut stream = Played::new().handed_over(1).polled(1);
    // A layer of the client sees output in what the program does not take for any.
    let at = stream.at(2);
    stream.pace.output(at, None);
    let stream = stream.token(2, Some(false)).polled(2);
    let mut stream = stream.token(5, Some(false)).polled(5);
    let at = stream.at(7);
    stream.pace.output(at, None);
    let times = stream.token(9, Some(true)).end(9);
    assert_eq!(seconds(times.first_token), Some(9));
}

#[test]
fn an_error_is_waited_for_and_is_no_chunk() {
    let times = Played::new().handed_over(1).polled(1).error(4).end(6);
    assert_eq!((times.chunks, seconds(times.first_chunk)), (0, None));
    assert_eq!(sides(&times), (3, 2));
}

#[test]
fn a_call_that_gives_no_stream_has_waited_for_nobody() {
    let times = Played::new().end(9);
    assert_eq!(times, StreamTimes::default());
}

proptest! {
    #[test]
    fn every_moment_since_the_stream_was_there_is_one_sides(
        steps in prop::collection::vec((0_u8..3, 0_u64..100), 0..40)
    ) {
        let mut stream = Played::new().handed_over(3);
        let mut now = 3;
        for (step, later) in steps {
            now += later;
            stream = match step {
                0 => stream.polled(now),
                1 => stream.polled(now).chunk(now),
                _ => stream.polled(now).error(now),
            };
        }
        let times = stream.end(now);
        prop_assert_eq!(times.provider + times.consumer, Duration::from_secs(now - 3));
    }

    #[test]
    fn many_waits_keep_their_number_their_sum_and_their_buckets(
        nanos in prop::collection::vec(0_u64..100_000_000_000, 0..200)
    ) {
        let mut waits = Waits::default();
        for nanos in &nanos {
            waits.add(Duration::from_nanos(*nanos));
        }
        let kept: Vec<f64> = waits.iter().collect();
        prop_assert_eq!(kept.len(), nanos.len());
        let exact: Vec<f64> = nanos.iter().map(|n| Duration::from_nanos(*n).as_secs_f64()).collect();
        let (sum, exact_sum): (f64, f64) = (kept.iter().sum(), exact.iter().sum());
        prop_assert!((sum - exact_sum).abs() <= exact_sum * 1e-9);
        for bound in crate::semconv::metric::GEN_AI_INFERENCE_TIME_PER_OUTPUT_CHUNK.bounds {
            let below = |all: &[f64]| all.iter().filter(|seconds| *seconds <= bound).count();
            prop_assert_eq!(below(&kept), below(&exact), "up to {}", bound);
        }
    }
}

#[test]
fn silence_is_what_is_waited_for_from_the_begin_of_the_call() {
    let mut played = Played::new();
    let silence = |played: &Played, at| played.pace.silence(played.at(at)).as_secs();
    assert_eq!(silence(&played, 30), 30);
    // A layer sees the request go out once more, or its status.
    let heard = played.at(40);
    played.pace.heard(heard);
    assert_eq!(silence(&played, 70), 30);
    // The stream is there, and nobody reads it.
    let played = played.handed_over(80);
    assert_eq!(silence(&played, 200), 0);
    let mut played = played.polled(200);
    assert_eq!(silence(&played, 230), 30);
    // What a layer reads then is no chunk.
    let heard = played.at(240);
    played.pace.heard(heard);
    assert_eq!(silence(&played, 250), 50);
    let played = played.chunk(260);
    assert_eq!(silence(&played, 300), 0);
    // What the body took is none of the times of who had the stream.
    assert_eq!(sides(&played.end(300)), (60, 160));
}
