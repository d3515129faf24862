//! One attribute value of a record: two whole words, so that it moves through registers.
//!
//! The last byte holds the tag; a string keeps its length before it. Short strings lie inside the
//! value, from its first byte on, so that most of them are built in one word. Long ones lie in a box
//! until the record is written, and behind the record from then on.
//!
//! Generated code creates values on the thread of the call, and the drain reads and drops them. A
//! value with [`TAG_TAIL`] means something only together with the start of its record.

use core::fmt::{self, Write as _};
use core::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Wrapping,
};
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use crate::guarded::guarded;
use crate::printable::PANICKED;
use crate::trace::attribute::{AttributeValue, ValueRef};

const TAG_NONE: u64 = 0;
const TAG_BOOL: u64 = 1;
const TAG_I64: u64 = 2;
const TAG_F64: u64 = 3;
/// `&'static str`: the pointer in word 0, the length in word 1.
const TAG_STATIC: u64 = 4;
/// Text of up to [`INLINE`] bytes: the text in bytes 0 to 13, the length in byte 14.
const TAG_INLINE: u64 = 5;
/// An owned `Box<str>`: the pointer in word 0, the length in word 1.
const TAG_BOXED: u64 = 6;
/// Text behind the record: the offset from the record's start in word 0, the length in word 1.
const TAG_TAIL: u64 = 7;
/// The tag is the upper byte of word 1.
const TAG_SHIFT: u32 = 56;
const INLINE_LEN_SHIFT: u32 = 48;

/// How many bytes of a string fit inside a value.
pub(crate) const INLINE: usize = 14;

/// A captured attribute value; the expressions of `fields(…)` become values.
///
/// Generated code creates them through [`Capture`].
#[repr(C, align(8))]
pub struct Value {
    word0: u64,
    word1: u64,
}

impl Value {
    /// No value: the attribute is left out.
    pub const NONE: Self = Self::new(TAG_NONE, 0, 0);

    #[inline(always)]
    const fn new(tag: u64, word0: u64, len: usize) -> Self {
        Self {
            word0,
            word1: tag << TAG_SHIFT | len as u64,
        }
    }

    #[inline(always)]
    pub(crate) const fn bool(v: bool) -> Self {
        Self::new(TAG_BOOL, v as u64, 0)
    }

    #[inline(always)]
    pub(crate) const fn i64(v: i64) -> Self {
        Self::new(TAG_I64, v as u64, 0)
    }

    #[inline(always)]
    pub(crate) const fn f64(v: f64) -> Self {
        Self::new(TAG_F64, v.to_bits(), 0)
    }

    /// Creates a value from text that lives as long as the program. Nothing is copied.
    #[inline(always)]
    pub fn from_static(v: &'static str) -> Self {
        let text = v.as_ptr().expose_provenance() as u64;
        Self::new(TAG_STATIC, text, v.len())
    }

    /// Creates a value from a copy of the text, inside the value up to 14 bytes and else in a box.
    #[inline]
    #[allow(clippy::should_implement_trait, reason = "it cannot fail")]
    pub fn from_str(v: &str) -> Self {
        if v.len() <= INLINE {
            Self::inline(v.as_bytes())
        } else {
            Self::boxed(v.into())
        }
    }

    #[inline]
    pub(crate) fn from_string(v: String) -> Self {
        if v.len() <= INLINE {
            Self::inline(v.as_bytes())
        } else {
            Self::boxed(v.into_boxed_str())
        }
    }

    #[inline]
    fn inline(bytes: &[u8]) -> Self {
        let n = bytes.len();
        // Overlapping loads build the words in registers; a byte copy through memory would stall the
        // whole-word loads that follow.
        let eight = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let four = |at: usize| {
            let mut four = [0; 4];
            four.copy_from_slice(&bytes[at..at + 4]);
            u64::from(u32::from_le_bytes(four))
        };
        let (word0, rest) = if n >= 8 {
            // Of eight bytes nothing is left, which is one shift more than a word allows.
            (eight(0), eight(n - 8) >> 8 >> (8 * (15 - n)))
        } else if n >= 4 {
            (four(0) | four(n - 4) << (8 * (n - 4)), 0)
        } else if n > 0 {
            let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
            (byte(0) | byte(n / 2) | byte(n - 1), 0)
        } else {
            (0, 0)
        };
        let len = (TAG_INLINE << 8 | n as u64) << INLINE_LEN_SHIFT;
        Self {
            word0,
            word1: len | rest,
        }
    }

    #[cold]
    fn boxed(v: Box<str>) -> Self {
        let len = v.len();
        let text = Box::into_raw(v).cast::<u8>();
        Self::new(TAG_BOXED, text.expose_provenance() as u64, len)
    }

    /// Formats into the value. It allocates only above 14 bytes.
    ///
    /// A formatter that panics yields a text that says so, because a field must not take the call
    /// down.
    #[inline(never)]
    pub(crate) fn format(args: fmt::Arguments<'_>) -> Self {
        let write = || {
            let mut text = Short::default();
            // What a formatter wrote before it returned an error is kept.
            let _ = text.write_fmt(args);
            text.finish()
        };
        guarded(write).unwrap_or_else(|| Self::from_static(PANICKED))
    }

    #[inline(always)]
    const fn tag(&self) -> u64 {
        self.word1 >> TAG_SHIFT
    }

    /// The length of a text that lies elsewhere.
    #[inline(always)]
    const fn len(&self) -> usize {
        (self.word1 & !(0xff << TAG_SHIFT)) as usize
    }

    /// Returns whether the value owns heap memory, or needs room behind the record.
    #[inline(always)]
    pub(crate) const fn is_boxed(&self) -> bool {
        // A comparison with the byte in memory.
        self.word1.to_le_bytes()[7] == TAG_BOXED as u8
    }

    /// Returns the text of a boxed value.
    pub(crate) fn boxed_str(&self) -> Option<&str> {
        if !self.is_boxed() {
            return None;
        }
        let text = core::ptr::with_exposed_provenance::<u8>(self.word0 as usize);
        // SAFETY: `boxed` took the pair from a `Box<str>`, which this value owns until it is
        // dropped.
        Some(unsafe {
            core::str::from_utf8_unchecked(core::slice::from_raw_parts(text, self.len()))
        })
    }

    /// Creates a value whose text lies `offset` bytes after the start of its record.
    pub(crate) const fn tail(len: usize, offset: usize) -> Self {
        Self::new(TAG_TAIL, offset as u64, len)
    }

    /// Returns the value's text unless it is a `&'static str`; `base` is as in [`get`](Self::get).
    #[inline]
    pub(crate) fn own_text(&self, base: *const u8) -> Option<&str> {
        if !matches!(self.tag(), TAG_INLINE | TAG_BOXED | TAG_TAIL) {
            return None;
        }
        match self.get(base) {
            Some(ValueRef::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a copy that needs no record: text behind the record gets a box of its own.
    pub(crate) fn detached(&self, base: *const u8) -> Self {
        match self.get(base) {
            Some(ValueRef::Str(text)) if self.tag() != TAG_STATIC => Self::from_str(text),
            _ => Self {
                word0: self.word0,
                word1: self.word1,
            },
        }
    }

    /// Returns the value outside of any record, as users and adapters have it.
    pub(crate) fn to_attribute(&self) -> Option<AttributeValue> {
        self.get(core::ptr::null()).map(ValueRef::to_owned)
    }

    /// Reads the value.
    ///
    /// `base` is the start of the record that holds it. Only values whose text lies behind a record
    /// use it.
    #[inline]
    pub(crate) fn get(&self, base: *const u8) -> Option<ValueRef<'_>> {
        let len = self.len();
        let text = |at: *const u8, len: usize| {
            // SAFETY: each caller below passes the pointer and length that the constructor of
            // its tag took from a `str`, still alive: static, inside `self`, owned by `self`,
            // or behind the record that outlives `'a`.
            unsafe { core::str::from_utf8_unchecked(core::slice::from_raw_parts(at, len)) }
        };
        let at = core::ptr::with_exposed_provenance::<u8>(self.word0 as usize);
        Some(match self.tag() {
            TAG_BOOL => ValueRef::Bool(self.word0 != 0),
            TAG_I64 => ValueRef::I64(self.word0 as i64),
            TAG_F64 => ValueRef::F64(f64::from_bits(self.word0)),
            TAG_STATIC | TAG_BOXED => ValueRef::Str(text(at, len)),
            TAG_INLINE => {
                let start = core::ptr::from_ref(self).cast::<u8>();
                let len = self.word1 >> INLINE_LEN_SHIFT & 0xff;
                ValueRef::Str(text(start, len as usize))
            }
            TAG_TAIL => ValueRef::Str(text(base.wrapping_add(self.word0 as usize), len)),
            _ => return None,
        })
    }
}

impl Drop for Value {
    #[inline]
    fn drop(&mut self) {
        if self.is_boxed() {
            drop_boxed(self.word0, self.len());
        }
    }
}

#[cold]
fn drop_boxed(text: u64, len: usize) {
    let text = core::ptr::with_exposed_provenance_mut::<u8>(text as usize);
    let bytes = core::ptr::slice_from_raw_parts_mut(text, len);
    // SAFETY: the words of a boxed value come from `Box::into_raw`, and it is dropped once.
    drop(unsafe { Box::from_raw(bytes as *mut str) });
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tag() == TAG_TAIL {
            return f.write_str("<behind the record>");
        }
        fmt::Debug::fmt(&self.get(core::ptr::null()), f)
    }
}

/// Collects text inside 14 bytes, and in a `String` once these are full.
#[derive(Default)]
struct Short {
    bytes: [u8; INLINE],
    len: usize,
    long: Option<String>,
}

impl fmt::Write for Short {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if let Some(long) = &mut self.long {
            long.push_str(s);
        } else if self.len + s.len() <= INLINE {
            self.bytes[self.len..self.len + s.len()].copy_from_slice(s.as_bytes());
            self.len += s.len();
        } else {
            let mut long = String::with_capacity((self.len + s.len()).max(64));
            long.push_str(core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default());
            long.push_str(s);
            self.long = Some(long);
        }
        Ok(())
    }
}

impl Short {
    fn finish(self) -> Value {
        match self.long {
            Some(long) => Value::from_string(long),
            None => Value::inline(&self.bytes[..self.len]),
        }
    }
}

/// Types that can be a field as they are: `fields(rows, user = id)`.
///
/// Other types are written as `%value` (for the `Display` text) or `?value` (for the `Debug` text).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field as it is",
    label = "write `%…` to record its `Display` text, or `?…` for its `Debug` text",
    note = "bool, numbers, `&str`, `String` and options of them can be recorded as they are"
)]
pub trait Capture {
    /// Copies the value into an attribute.
    fn capture(&self) -> Value;
}

macro_rules! capture {
    ($($t:ty => |$v:ident| $e:expr),* $(,)?) => {
        $(impl Capture for $t {
            #[inline(always)]
            fn capture(&self) -> Value {
                let $v = *self;
                $e
            }
        })*
    };
}

capture! {
    bool => |v| Value::bool(v),
    i8 => |v| Value::i64(v.into()), i16 => |v| Value::i64(v.into()),
    i32 => |v| Value::i64(v.into()), i64 => |v| Value::i64(v),
    u8 => |v| Value::i64(v.into()), u16 => |v| Value::i64(v.into()), u32 => |v| Value::i64(v.into()),
    f32 => |v| Value::f64(v.into()), f64 => |v| Value::f64(v),
    isize => |v| Value::i64(v as i64), usize => |v| (v as u64).capture(),
}

macro_rules! capture_wide {
    ($($t:ty),*) => {
        $(impl Capture for $t {
            /// Captures a number that does not fit `i64` as text, since OpenTelemetry has no larger
            /// numbers.
            #[inline]
            fn capture(&self) -> Value {
                // By value, so that the number may stay in a register.
                #[cold]
                fn as_text(number: $t) -> Value {
                    Value::format(format_args!("{number}"))
                }
                match i64::try_from(*self) {
                    Ok(v) => Value::i64(v),
                    Err(_) => as_text(*self),
                }
            }
        })*
    };
}

capture_wide!(u64, u128, i128);

macro_rules! capture_inner {
    ($($t:ty),* $(,)?) => {
        $(impl Capture for $t {
            #[inline]
            fn capture(&self) -> Value {
                self.get().capture()
            }
        })*
    };
}

capture_inner! {
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize,
    NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
}

impl<T: Capture> Capture for Wrapping<T> {
    #[inline]
    fn capture(&self) -> Value {
        self.0.capture()
    }
}

macro_rules! capture_text {
    ($($t:ty),*) => {
        $(impl Capture for $t {
            #[inline(always)]
            fn capture(&self) -> Value {
                Value::from_str(self)
            }
        })*
    };
}

capture_text!(str, String, Cow<'_, str>);

impl Capture for char {
    fn capture(&self) -> Value {
        Value::from_str(self.encode_utf8(&mut [0; 4]))
    }
}

macro_rules! capture_pointer {
    ($($p:ty),*) => {
        $(impl<T: Capture + ?Sized> Capture for $p {
            #[inline(always)]
            fn capture(&self) -> Value {
                (**self).capture()
            }
        })*
    };
}

capture_pointer!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Capture> Capture for Option<T> {
    /// Captures the value inside; `None` leaves the attribute out.
    #[inline]
    fn capture(&self) -> Value {
        self.as_ref().map_or(Value::NONE, Capture::capture)
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
