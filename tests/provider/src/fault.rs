//! What goes wrong on the way, to the byte.

/// What goes wrong with an answer.
///
/// A place is one of the bytes that the socket carries: the head of the response is among them, and what frames a chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection ends before this place.
    Cut(At, Close),
    /// Nothing more is sent from this place on, until the client goes away.
    Stall(At),
    /// From this chunk on the provider fails: an error in the stream's own form, in place of the rest. A whole answer
    /// breaks off in the middle of its body.
    Fails(usize),
    /// The body is no JSON, from this place of it on, and arrives as if nothing had happened.
    WrongJson(f64),
    /// This chunk arrives twice.
    Duplicate(usize),
}

/// A place in the bytes of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// The number of bytes before it.
    Byte(usize),
    /// The share of all bytes before it, from 0 to 1.
    Share(f64),
    /// The number of chunks before it; the head is before all of them.
    Chunk(usize),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// As if all had been said.
    Fin,
    /// As if the machine had gone.
    Reset,
}
