use super::*;

fn value(text: &'static str, all: &'static [&'static str]) -> LabelValue {
    LabelValue {
        text,
        all: Some(all),
    }
}

#[test]
fn each_combination_of_values_has_its_own_handle() {
    const A: &[&str] = &["x", "y", "z"];
    let bools = [label(&false), label(&true)];
    let memory = Handles::<usize>::new(&[value("x", A), constant_label(&["c"]), bools[0]]);
    assert_eq!(memory.handles.len(), 6);
    let mut all = Vec::new();
    for a in A {
        for b in bools {
            let handle = memory.handle(&[value(a, A), constant_label(&["c"]), b]);
            handle
                .expect("a handle")
                .set(all.len())
                .expect("a free one");
            all.push((*a, b));
        }
    }
    for (i, (a, b)) in all.into_iter().enumerate() {
        let handle = memory.handle(&[value(a, A), constant_label(&["c"]), b]);
        assert_eq!(handle.and_then(OnceLock::get), Some(&i));
    }
}

#[test]
fn without_labels_there_is_one_handle() {
    let memory = Handles::<u8>::new(&[]);
    assert_eq!(memory.handles.len(), 1);
    assert!(memory.handle(&[]).is_some());
}

#[test]
fn another_type_has_no_handle_of_this_one() {
    let memory = Handles::<u8>::new(&[label(&true)]);
    assert!(memory.handle(&[label(&false)]).is_some());
    assert!(
        memory
            .handle(&[value("true", &["true", "maybe"])])
            .is_none()
    );
}

#[test]
fn nothing_is_remembered_of_values_that_are_not_known_or_too_many() {
    const MANY: &[&str] = &["v"; 17];
    let text = [label(&"text")];
    assert!(Handles::<u8>::new(&text).handle(&text).is_none());
    let many = [value("v", MANY), value("v", MANY)];
    assert!(Handles::<u8>::new(&many).handle(&many).is_none());
    let few = [value("other", MANY)];
    assert!(Handles::<u8>::new(&few).handle(&few).is_none());
}
