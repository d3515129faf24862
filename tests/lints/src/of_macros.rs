//! Functions that a user's `macro_rules!` makes.

use crate::annotate;

macro_rules! made {
    ($($name:ident)+) => {
        $(
            #[annotate]
            pub fn $name(n: u8) -> u8 {
                n
            }
        )+
    };
}
made!(of_a_macro another_of_a_macro);

macro_rules! with_body {
    ($name:ident, $body:block) => {
        #[annotate]
        pub fn $name() -> u8 $body
    };
}
with_body!(with_the_users_body, { return 1; });

macro_rules! passed_on {
    ($($function:item)+) => { $(#[annotate] $function)+ };
}
passed_on! {
    pub fn written_outside(n: u8) -> u8 {
        n
    }
}

pub struct Number(pub u8);

macro_rules! method {
    ($name:ident) => {
        impl Number {
            #[annotate]
            pub fn $name(&self) -> u8 {
                self.0
            }
        }
    };
}
method!(of_a_number);

macro_rules! with_visibility {
    ($visibility:vis fn $name:ident() -> $ret:ty $body:block) => {
        /// Is inline and has a text, because lints say the lack of either at another place.
        #[annotate]
        #[inline]
        $visibility fn $name() -> $ret $body
    };
}
// bug: Clippy asked of this one whether it must be used, and not of the plain one.
with_visibility!(pub fn with_the_users_visibility() -> u8 { 1 });
