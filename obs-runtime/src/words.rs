//! Enums whose every variant has a word, by which it is shown, stored and labelled.

/// Declares an enum with the word of each variant beside it: `Variant => "word"`.
///
/// Besides the enum it gives `as_str`, the list `ALL`, and `Serialize`, which writes the word.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident $(= $number:literal)? => $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$doc])* $variant $(= $number)?,)+
        }

        impl $name {
            /// The variants, in the order of their declaration.
            #[allow(dead_code, reason = "not every enum is gone through")]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word for it, as it is shown, stored and used as a label.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        #[cfg(feature = "serde")]
        $crate::serialize::serialize_text!(as_str: $name);
    };
}
pub(crate) use words;
