use crate::callsite::{Callsite, CallsiteSpec, More, Source};

use super::*;

#[allow(
    dead_code,
    clippy::extra_unused_type_parameters,
    reason = "never called, yet registered"
)]
fn generic<T>() {
    static SITE: Callsite = Callsite::new(CallsiteSpec::new(
        "registered_in_a_generic_function",
        &Source {
            module: module_path!(),
            file: file!(),
        },
        line!(),
    ));
    crate::__obs_register! { &SITE }
}

#[test]
fn statics_enter_themselves_before_main_and_once() {
    let found = callsites().filter(|site| site.name() == "registered_in_a_generic_function");
    assert_eq!(found.count(), 1);
}

/// A callsite of a module.
fn site(module: &'static str, name: &'static str, line: u32) -> &'static Callsite {
    let source = Box::leak(Box::new(Source {
        module,
        file: "src/a.rs",
    }));
    let spec = CallsiteSpec::new(name, source, line);
    Box::leak(Box::new(Callsite::new(spec)))
}

#[test]
fn functions_of_one_name_and_module_are_a_group() {
    let mut named = site("shop", "new", 40).spec;
    named.more = Some(&More {
        name: "Cart::new",
        ..More::NONE
    });
    let named: &'static Callsite = Box::leak(Box::new(Callsite::new(named)));
    let mut span = site("shop", "new", 50).spec;
    span.construct = Construct::Span;
    let span: &'static Callsite = Box::leak(Box::new(Callsite::new(span)));
    let all = [
        site("shop", "new", 30),
        site("shop", "new", 10),
        // Of a generic function, say.
        site("shop", "new", 10),
        site("shop::cart", "new", 10),
        site("shop", "load", 20),
        named,
        span,
    ];
    let found = groups(all.into_iter());
    let lines = |group: &Vec<&Callsite>| group.iter().map(|s| s.line()).collect::<Vec<_>>();
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [[10, 30]]);
}
