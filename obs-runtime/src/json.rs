//! JSON, as `serde_json` writes it: objects and lists that are put together where they are written, without a tree of
//! values in between.
//!
//! ```text
//! Object((Field("name", "rows"), Field("points", Each(points.iter().map(point)))))
//! ```

use core::fmt::Display;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::Formatter;

use crate::printable::is_unprintable;
pub(crate) use crate::serialize::Float;

/// Members of an object: a [`Field`], an optional one, or a tuple of members.
pub(crate) trait Members {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error>;
}

/// A member with its name.
pub(crate) struct Field<'a, T>(pub(crate) &'a str, pub(crate) T);

impl<T: Serialize> Members for Field<'_, T> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        object.serialize_entry(self.0, &self.1)
    }
}

impl<T: Members> Members for Option<T> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        self.as_ref()
            .map_or(Ok(()), |members| members.write(object))
    }
}

macro_rules! tuple_of_members {
    ($($member:ident)+) => {
        #[allow(non_snake_case, reason = "each type names its value")]
        impl<$($member: Members),+> Members for ($($member,)+) {
            fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
                let ($($member,)+) = self;
                $($member.write(object)?;)+
                Ok(())
            }
        }
    };
}

tuple_of_members!(A B);
tuple_of_members!(A B C);
tuple_of_members!(A B C D);
tuple_of_members!(A B C D E);
tuple_of_members!(A B C D E F);
tuple_of_members!(A B C D E F G);
tuple_of_members!(A B C D E F G H);

/// An object of these members.
pub(crate) struct Object<T>(pub(crate) T);

impl<T: Members> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        self.0.write(&mut object)?;
        object.end()
    }
}

/// A list of what an iterator yields, which is cheap to clone.
pub(crate) struct Each<I>(pub(crate) I);

impl<I: IntoIterator<Item: Serialize> + Clone> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// An object of the names and values that an iterator yields, which is cheap to clone.
pub(crate) struct Entries<I>(pub(crate) I);

impl<K: Serialize, V: Serialize, I: IntoIterator<Item = (K, V)> + Clone> Serialize for Entries<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

/// A number of 64 bits or an id, as text: JSON's numbers are those of JavaScript.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What stands between the parts, after their comma and their colon.
struct Style {
    comma: &'static [u8],
    colon: &'static [u8],
}

impl Formatter for Style {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(out, fragment)
    }

    fn write_f64<W: Write + ?Sized>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        // Whole numbers are written as such, whatever their type.
        if value != 0.0 && !(1e-6..1e17).contains(&value.abs()) {
            write!(out, "{value:e}")
        } else {
            write!(out, "{value}")
        }
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { self.comma })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { self.comma })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(self.colon)
    }
}

/// The usual form, but for texts.
struct Compact;

impl Formatter for Compact {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(out, fragment)
    }
}

/// Writes a part of a text. JSON lets characters pass that command a terminal or turn the reading
/// direction, and people read these lines too; each has an escape that means the same.
fn write_fragment<W: Write + ?Sized>(out: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment;
    while let Some(at) = rest.find(is_unprintable) {
        out.write_all(&rest.as_bytes()[..at])?;
        let mut chars = rest[at..].chars();
        if let Some(odd) = chars.next() {
            // All of them are below U+10000, so one escape is enough.
            write!(out, "\\u{:04x}", odd as u32)?;
        }
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())
}

fn write(value: &impl Serialize, out: impl Write, formatter: impl Formatter) {
    // Memory takes whatever is written, and no value here fails.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter));
}

/// Writes a value without spaces.
pub(crate) fn dense(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let (comma, colon) = (b",", b":");
    write(value, &mut out, Style { comma, colon });
    out
}

/// Writes a value for people, with a space after each comma and each colon.
pub(crate) fn spaced(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    let (comma, colon) = (b", ", b": ");
    write(value, &mut out, Style { comma, colon });
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a value; floats have a fraction or an exponent there.
#[allow(dead_code, reason = "used by the feature tracing")]
pub(crate) fn append(out: &mut String, value: &impl Serialize) {
    write(value, Append(out), Compact);
}

/// Appends to a text, which gets whole characters.
struct Append<'a>(&'a mut String);

impl Write for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = core::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.push_str(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
