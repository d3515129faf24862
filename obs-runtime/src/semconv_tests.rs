use super::*;

fn sorted_without_twins<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let names: Vec<_> = names.collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == names.len() {
        Ok(())
    } else {
        Err(format!("a name is declared twice in {names:?}"))
    }
}

/// OpenTelemetry general naming considerations: lower case, words with `_`, namespaces with `.`.
fn well_formed(name: &str) -> bool {
    !name.is_empty()
        && name.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
}

#[test]
fn each_name_exists_once_and_is_well_formed() {
    sorted_without_twins(attribute::ALL.iter().copied()).unwrap();
    sorted_without_twins(event::ALL.iter().copied()).unwrap();
    sorted_without_twins(metric::ALL.iter().map(|m| m.name)).unwrap();
    for name in attribute::ALL
        .iter()
        .copied()
        .chain(event::ALL.iter().copied())
        .chain(metric::ALL.iter().map(|m| m.name))
    {
        assert!(well_formed(name), "{name}");
    }
}

#[test]
fn bounds_ascend() {
    for metric in metric::ALL {
        assert!(metric.bounds.is_sorted_by(|a, b| a < b), "{}", metric.name);
        assert!(metric.description.ends_with('.'), "{}", metric.name);
    }
}

// bug: T49 (a label `job`, which Prometheus gives every series itself).
#[test]
fn no_label_is_one_that_prometheus_has_itself() {
    for key in attribute::ALL {
        let label = key.replace('.', "_");
        assert!(
            !["job", "instance", "le", "quantile"].contains(&&*label),
            "{key}"
        );
    }
}
