//! How many bytes finished data takes on the heap, in addition to itself.
//!
//! The memory budget counts them wherever data waits. What borrows from the program's own statics
//! takes nothing.

use std::borrow::Cow;
use std::sync::Arc;

use crate::memory::ALLOCATION;
use crate::trace::attribute::{AttributeValue, Event, Link, SpanError, SpanExtra, Status};
use crate::trace::value::Value;
use crate::trace::view::SpanRecord;

/// Types that have a part of theirs on the heap.
pub(crate) trait HeapBytes {
    /// Returns the bytes of that part, with what an allocation takes beside them.
    fn heap_bytes(&self) -> usize;
}

impl HeapBytes for String {
    fn heap_bytes(&self) -> usize {
        self.capacity() + ALLOCATION
    }
}

impl HeapBytes for Cow<'static, str> {
    fn heap_bytes(&self) -> usize {
        match self {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.heap_bytes(),
        }
    }
}

impl<T: HeapBytes> HeapBytes for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

impl<T: HeapBytes> HeapBytes for Vec<T> {
    fn heap_bytes(&self) -> usize {
        if self.capacity() == 0 {
            return 0;
        }
        let own = self.capacity() * size_of::<T>() + ALLOCATION;
        own + self.iter().map(T::heap_bytes).sum::<usize>()
    }
}

impl<T: HeapBytes> HeapBytes for Arc<T> {
    fn heap_bytes(&self) -> usize {
        size_of::<T>() + ALLOCATION + (**self).heap_bytes()
    }
}

impl<A: HeapBytes, B: HeapBytes> HeapBytes for (A, B) {
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes() + self.1.heap_bytes()
    }
}

macro_rules! flat {
    ($($t:ty),*) => {
        $(impl HeapBytes for $t {
            fn heap_bytes(&self) -> usize {
                0
            }
        })*
    };
}

flat!((), bool, i64, f64);

impl HeapBytes for AttributeValue {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Bool(_) | Self::I64(_) | Self::F64(_) => 0,
            Self::String(v) => v.heap_bytes(),
            Self::BoolArray(v) => v.heap_bytes(),
            Self::I64Array(v) => v.heap_bytes(),
            Self::F64Array(v) => v.heap_bytes(),
            Self::StringArray(v) => v.heap_bytes(),
        }
    }
}

impl HeapBytes for Event {
    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes() + self.attributes.heap_bytes()
    }
}

impl HeapBytes for Link {
    fn heap_bytes(&self) -> usize {
        self.attributes.heap_bytes()
    }
}

impl HeapBytes for SpanError {
    fn heap_bytes(&self) -> usize {
        self.kind.heap_bytes() + self.message.heap_bytes() + self.stacktrace.heap_bytes()
    }
}

impl HeapBytes for Status {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Ok => 0,
            Self::Error(description) => description.heap_bytes(),
        }
    }
}

impl HeapBytes for SpanExtra {
    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes()
            + self.attributes.heap_bytes()
            + self.events.heap_bytes()
            + self.links.heap_bytes()
            + self.error.heap_bytes()
            + self.status.heap_bytes()
    }
}

impl HeapBytes for Value {
    fn heap_bytes(&self) -> usize {
        self.boxed_str().map_or(0, |text| text.len() + ALLOCATION)
    }
}

impl HeapBytes for SpanRecord {
    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes()
            + self.error.heap_bytes()
            + self.attributes.heap_bytes()
            + self.events.heap_bytes()
            + self.links.heap_bytes()
    }
}
