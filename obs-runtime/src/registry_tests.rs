use crate::callsite::{Callsite, CallsiteSpec};

use super::*;

#[allow(
    dead_code,
    clippy::extra_unused_type_parameters,
    reason = "never called, yet registered"
)]
fn generic<T>() {
    static SITE: Callsite = Callsite::new(CallsiteSpec::new(
        "registered_in_a_generic_function",
        module_path!(),
        file!(),
        line!(),
    ));
    crate::__obs_register! { &SITE }
}

#[test]
fn statics_enter_themselves_before_main_and_once() {
    let found = callsites().filter(|site| site.name() == "registered_in_a_generic_function");
    assert_eq!(found.count(), 1);
}
