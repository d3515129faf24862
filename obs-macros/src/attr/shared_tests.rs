use quote::quote;

use super::{ArgList, Args, ErrMode, Render};
use crate::attr::table::TRACED;
use crate::errors::Errors;

fn parse(tokens: proc_macro2::TokenStream) -> (Args, Vec<String>) {
    let mut errors = Errors::default();
    let mut list = ArgList::parse(tokens, &TRACED, &mut errors);
    let args = Args::take(&mut list, &mut errors);
    (args, errors.messages())
}

#[test]
fn nothing_and_trailing_commas() {
    assert_eq!(parse(quote!()).1, [""; 0]);
    assert_eq!(parse(quote!(root, skip_all,)).1, [""; 0]);
}

#[test]
fn a_broken_argument_hides_no_other_error() {
    let (_, errors) = parse(quote!(name = , kind = "clent", nmae = "x", root root));
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(errors[0].contains("`name =` needs a value"));
    assert!(errors[1].contains("after `root`"), "{errors:?}");
    assert!(errors[2].contains("did you mean `name`?"));
    assert!(errors[3].contains("did you mean \"client\"?"));
}

#[test]
fn twice_is_an_error_whatever_the_order() {
    let (_, errors) = parse(quote!(target = "t", root, target = "u"));
    assert_eq!(errors, ["`target` is given twice"]);
}

#[test]
fn forms_of_err_and_ret() {
    assert_eq!(parse(quote!(err)).0.err, ErrMode::Auto);
    assert_eq!(parse(quote!(err = false)).0.err, ErrMode::Off);
    assert_eq!(parse(quote!(err(Debug))).0.err, ErrMode::Debug);
    let ret = |tokens| parse(tokens).0.ret.map(|ret| ret.value);
    assert_eq!(ret(quote!(ret)), Some(Render::Debug));
    assert_eq!(ret(quote!(ret(Display))), Some(Render::Display));
    assert_eq!(ret(quote!(ret = false)), None);
    assert_eq!(
        parse(quote!(err(Loud))).1,
        ["`err(…)` takes `Debug` or `Display`, `expected = pattern` and `level = \"warn\"`"]
    );
}

#[test]
fn a_bare_string_names_the_argument() {
    assert_eq!(
        parse(quote!("load")).1,
        ["expected an argument; write `name = \"load\"`"]
    );
}
