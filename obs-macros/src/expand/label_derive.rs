//! `#[derive(Label)]`: the implementation of `Label` for an enum.

use proc_macro2::TokenStream;

use crate::hygiene::quote;
use crate::valid::label_derive::LabelEnum;

/// The `impl`.
pub(crate) fn expand(label: &LabelEnum) -> TokenStream {
    let LabelEnum { krate, ident, .. } = label;
    let (generics, arguments, bounds) = label.generics.split_for_impl();
    let variants = label.variants.iter().map(|(variant, _)| variant);
    let names: Vec<&String> = label.variants.iter().map(|(_, name)| name).collect();
    let text = quote!(&'static ::core::primitive::str);
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #generics #krate::private::Label for #ident #arguments #bounds {
            const VALUES: ::core::option::Option<&'static [#text]> =
                ::core::option::Option::Some(&[#(#names),*]);

            fn as_str(&self) -> #text {
                match *self { #(Self::#variants => #names,)* }
            }
        }
    }
}
