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
    let ret = |tokens| {
        let (args, errors) = parse(tokens);
        assert_eq!(errors, [""; 0]);
        let ret = args.ret?.value;
        Some((ret.render, ret.level.is_some()))
    };
    assert_eq!(ret(quote!(ret)), Some((None, false)));
    assert_eq!(
        ret(quote!(ret(Display))),
        Some((Some(Render::Display), false))
    );
    assert_eq!(
        ret(quote!(ret(Debug, level = "warn"))),
        Some((Some(Render::Debug), true))
    );
    assert_eq!(
        ret(quote!(ret(level = Level::WARN, Debug))),
        Some((Some(Render::Debug), true))
    );
    assert_eq!(ret(quote!(ret(level = 2))), Some((None, true)));
    assert_eq!(ret(quote!(ret = false)), None);
    assert_eq!(
        parse(quote!(ret(Debug, Display))).1,
        ["`ret(…)` takes `Debug` or `Display`, and `level = \"debug\"`"]
    );
    assert_eq!(
        parse(quote!(err(Loud))).1,
        ["`err(…)` takes `Debug` or `Display`, `expected = pattern` and `level = \"warn\"`"]
    );
}

#[test]
fn a_text_alone_is_the_name() {
    let (args, errors) = parse(quote!("load", root));
    assert_eq!(errors, [""; 0]);
    assert!(args.name.is_some() && args.root);
    assert_eq!(
        parse(quote!("load", name = "store")).1,
        ["`name` is given twice"]
    );
}
