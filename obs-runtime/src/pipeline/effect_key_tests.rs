use std::collections::HashSet;

use super::*;

fn of(run: &str, task: &str, item: Option<usize>) -> String {
    EffectKey::of(run, task, item).as_str().to_owned()
}

#[test]
fn a_key_is_one_of_its_run_task_and_item() {
    let same = of("r", "pay", Some(1));
    assert_eq!(same, of("r", "pay", Some(1)));
    let mut keys = HashSet::from([same]);
    for (run, task, item) in [
        ("r", "pay", None),
        ("r", "pay", Some(0)),
        ("r", "pay", Some(11)),
        ("r", "pay1", None),
        ("rp", "ay", Some(1)),
        ("r2", "pay", Some(1)),
    ] {
        assert!(keys.insert(of(run, task, item)), "{run} {task} {item:?}");
    }
    for run in 0..100 {
        for item in 0..1_000 {
            assert!(keys.insert(of(&run.to_string(), "t", Some(item))));
        }
    }
}

#[test]
fn a_key_is_a_uuid_of_version_8_for_all_time() {
    let key = EffectKey::of("019a", "pay", Some(7));
    assert_eq!(key.to_string(), "2311fb44-17ce-87da-a365-7ee205b59748");
    assert_eq!(key.as_str().as_bytes()[14], b'8');
}
