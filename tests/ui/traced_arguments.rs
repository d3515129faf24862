//! Arguments that `#[traced]` does not take, or not like this. Every error of an attribute is said at once.
use obs_runtime::traced;

#[traced(nmae = "x", modle, kind = "clent", target = "a", target = "b", level = "loud")]
fn several(a: u8) {}

#[traced("positional", name = "again")]
fn bare_string() {}

#[traced("")]
fn empty_string() {}

#[traced(name = , root root, name = "ok")]
fn broken() {}

#[traced(model = "gpt", pipeline = "etl", service = "s")]
fn of_other_macros() {}

#[traced(name = "", kind = client, level = 6, root = "yes", metrics = 0)]
fn wrong_values() {}

#[traced(fields = "x", skip = a, skip_all = true, crate = 3, name = 7)]
fn wrong_forms() {}

#[traced(skip(b, texd))]
fn no_such_parameter(text: &str) {}

#[traced(parent = x, root)]
fn two_parents() {}

#[traced(err(level = "wran"), ret(Loud), level)]
fn unknown_render() -> Result<(), u8> {
    Ok(())
}

#[traced(ok_if = |_| true, error_if = |_| false)]
fn both() -> u8 {
    0
}

#[traced(args(text), skip(text))]
fn wrong_args(text: &str) {}

#[traced(skip)]
fn alone() {}

#[traced(level = level_of("x"), ret(Debug, Display), err(level = 9))]
fn no_level() -> Result<(), u8> {
    Ok(())
}

fn main() {
    several(1);
    bare_string();
    empty_string();
    broken();
    of_other_macros();
    wrong_values();
    wrong_forms();
    no_such_parameter("");
    two_parents();
    let _ = unknown_render();
    both();
    wrong_args("");
    alone();
    let _ = no_level();
}
// case: 126-130, 135
