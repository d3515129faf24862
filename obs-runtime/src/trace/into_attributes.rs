//! Attributes of an event, as programs write them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::trace::AttributeValue;
use crate::trace::attribute::Event;

type Attributes = Vec<(Cow<'static, str>, AttributeValue)>;

impl Event {
    /// Creates an event that happens now from what a user passes.
    pub(crate) fn with(
        name: impl Into<Cow<'static, str>>,
        attributes: impl IntoAttributes,
    ) -> Self {
        Self::now(name.into(), attributes.into_attributes())
    }
}

/// Attributes as a program writes them: pairs of a key and a value, in an array, a slice, a vector,
/// a map or an option if the values have one type, in a tuple of up to eight pairs if they have several.
///
/// ```
/// use obs_runtime::trace::IntoAttributes;
///
/// let attributes = (("to", "shelf 4"), ("items", 3)).into_attributes();
/// assert_eq!(attributes, [("to".into(), "shelf 4".into()), ("items".into(), 3.into())]);
///
/// let counts = std::collections::BTreeMap::from([("apples", 2), ("pears", 5)]);
/// assert_eq!(counts.into_attributes()[1].1, 5.into());
/// assert_eq!([("attempt", 2)].as_slice().into_attributes().len(), 1);
/// assert!(None::<(&str, i64)>.into_attributes().is_empty());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` are no attributes",
    label = "expected pairs of a key and a value",
    note = "for example `[(\"attempt\", 2)]`, or `((\"to\", \"shelf 4\"), (\"items\", 3))` for values of several types"
)]
pub trait IntoAttributes {
    /// Returns the pairs.
    fn into_attributes(self) -> Attributes;
}

/// Implements the trait for what yields pairs.
macro_rules! pairs {
    ($([$($generics:tt)*] $pairs:ty where $k:ty, $v:ty;)+) => { $(
        impl<$($generics)*> IntoAttributes for $pairs
        where
            $k: Into<Cow<'static, str>>,
            $v: Into<AttributeValue>,
        {
            fn into_attributes(self) -> Attributes {
                self.into_iter().map(|(k, v)| (k.into(), v.into())).collect()
            }
        }
    )+ };
}

pairs! {
    [K, V, const N: usize] [(K, V); N] where K, V;
    [K, V] Vec<(K, V)> where K, V;
    [K, V] Option<(K, V)> where K, V;
    [K, V] BTreeMap<K, V> where K, V;
    [K, V, S] HashMap<K, V, S> where K, V;
}

impl<K, V> IntoAttributes for &[(K, V)]
where
    K: Into<Cow<'static, str>> + Clone,
    V: Into<AttributeValue> + Clone,
{
    fn into_attributes(self) -> Attributes {
        self.to_vec().into_attributes()
    }
}

impl<K, V, const N: usize> IntoAttributes for &[(K, V); N]
where
    K: Into<Cow<'static, str>> + Clone,
    V: Into<AttributeValue> + Clone,
{
    fn into_attributes(self) -> Attributes {
        self.as_slice().into_attributes()
    }
}

macro_rules! tuples {
    ($($k:ident $v:ident $pair:ident),+) => {
        impl<$($k: Into<Cow<'static, str>>, $v: Into<AttributeValue>),+> IntoAttributes for ($(($k, $v),)+) {
            fn into_attributes(self) -> Attributes {
                let ($($pair,)+) = self;
                vec![$(($pair.0.into(), $pair.1.into())),+]
            }
        }
    };
}

tuples!(K1 V1 a);
tuples!(K1 V1 a, K2 V2 b);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c, K4 V4 d);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c, K4 V4 d, K5 V5 e);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c, K4 V4 d, K5 V5 e, K6 V6 f);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c, K4 V4 d, K5 V5 e, K6 V6 f, K7 V7 g);
tuples!(K1 V1 a, K2 V2 b, K3 V3 c, K4 V4 d, K5 V5 e, K6 V6 f, K7 V7 g, K8 V8 h);
