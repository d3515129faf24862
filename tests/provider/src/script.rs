//! What becomes of a request: the answer, what it says of its tokens, and what goes wrong on the way.

use crate::fault::Fault;
use crate::journal::Tokens;

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What is answered.
    pub reply: Reply,
    /// What goes wrong on the way.
    pub fault: Fault,
    /// How much of the output is billed if the answer does not arrive whole: providers stop at some moment after the
    /// client has gone. What the bytes on the wire have said already is billed in any case.
    pub share: f64,
}

impl Script {
    /// Answers, and nothing goes wrong.
    pub fn answer(answer: Answer) -> Self {
        Self::from(Reply::Answer(answer))
    }

    /// Refuses.
    pub fn refuse(refusal: Refusal) -> Self {
        Self::from(Reply::Refusal(refusal))
    }

    /// Something goes wrong on the way.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Bills this share of the output if the answer does not arrive whole.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            fault: Fault::None,
            share: 1.0,
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A text.
    Answer(Answer),
    /// A vector for each text.
    Vectors {
        /// The model that made them.
        model: String,
        /// The vectors.
        vectors: Vec<Vec<f32>>,
        /// The tokens of the texts.
        tokens: Tokens,
    },
    /// An error.
    Refusal(Refusal),
}

/// The answer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The id of the answer.
    pub id: String,
    /// The model that answered, which may be another than the one that was asked.
    pub model: String,
    /// The text; a stream sends each piece in a chunk of its own.
    pub pieces: Vec<String>,
    /// Why the model stopped.
    pub finish: Finish,
    /// What the request used.
    pub tokens: Tokens,
    /// The tier that the request was served in.
    pub tier: Option<String>,
    /// Where the usage is said.
    pub reports: Reports,
    /// Whether the lifetimes of what was written to the cache are said, where the format knows them.
    pub says_lifetimes: bool,
    /// Whether the parts of the sums are said, where servers of the format may leave them out.
    pub says_parts: bool,
}

impl Answer {
    /// Creates an answer that stops by itself and says its usage as the format does.
    pub fn new<P: Into<String>>(
        model: impl Into<String>,
        pieces: impl IntoIterator<Item = P>,
        tokens: Tokens,
    ) -> Self {
        Self {
            id: "answer-1".to_owned(),
            model: model.into(),
            pieces: pieces.into_iter().map(Into::into).collect(),
            finish: Finish::Stop,
            tokens,
            tier: None,
            reports: Reports::Usual,
            says_lifetimes: true,
            says_parts: true,
        }
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It had said everything.
    Stop,
    /// It had said as much as it may.
    Length,
}

/// Where the usage is said.
///
/// A whole answer has one place for it, and so has a stream of Bedrock: there all but `Never` and `Zeros` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// Where the format has it: OpenAI at the end (a stream of chat completions only if the client asked), Anthropic at
    /// both ends, Gemini in every chunk, Bedrock at the end.
    Usual,
    /// In the first chunk alone: the input, and what has been put out by then.
    First,
    /// In the last chunk alone.
    Last,
    /// At both ends.
    Both,
    /// In every chunk, counting up.
    Every,
    /// Nowhere.
    Never,
    /// In every place, as zeros.
    Zeros,
}

/// An error that is answered in place of what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The provider's code for it.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The header `retry-after`: seconds, or a date.
    pub retry_after: Option<String>,
    /// What is billed in spite of it. Nobody knows what a provider bills for an error of its own.
    pub billed: Tokens,
}

impl Refusal {
    /// Creates an error that costs nothing.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
            billed: Tokens::default(),
        }
    }

    /// Asks to come back.
    #[must_use]
    pub fn retry_after(mut self, when: impl Into<String>) -> Self {
        self.retry_after = Some(when.into());
        self
    }
}
