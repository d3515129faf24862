use tracing_subscriber::filter::LevelFilter;

use super::*;

fn read(log: &str, format: &str) -> (Targets, Format, Vec<String>) {
    let mut problems = Vec::new();
    let logs = [("OBS_LOG", log.to_owned()), ("RUST_LOG", String::new())];
    let (targets, format) = configuration(&logs, format, |problem| problems.push(problem));
    (targets, format, problems)
}

// bug: RUST_LOG, which everybody sets, said nothing.
#[test]
fn rust_log_counts_where_obs_log_is_not_set() {
    let level = |obs: &str, rust: &str| {
        let mut problems = Vec::new();
        let logs = [("OBS_LOG", obs.to_owned()), ("RUST_LOG", rust.to_owned())];
        let (targets, _) = configuration(&logs, "", |problem| problems.push(problem));
        (targets.default_level(), problems)
    };
    assert_eq!(level(" ", "debug"), (Some(LevelFilter::DEBUG), vec![]));
    assert_eq!(level("warn", "debug"), (Some(LevelFilter::WARN), vec![]));
    let (default, problems) = level("", "[span{field}]=debug");
    assert_eq!(default, Some(LevelFilter::INFO));
    assert!(problems[0].starts_with("RUST_LOG=[span{field}]=debug: expected a level"));
}

#[test]
fn what_the_environment_says() {
    let (targets, format, problems) = read("", "");
    assert_eq!(targets.default_level(), Some(LevelFilter::INFO));
    assert_eq!((format, problems.len()), (Format::Pretty, 0));

    let (targets, format, problems) = read(" warn,shop=debug ", "JSON");
    assert_eq!(targets.default_level(), Some(LevelFilter::WARN));
    assert!(targets.would_enable("shop::orders", &::tracing::Level::DEBUG));
    assert!(!targets.would_enable("hyper", &::tracing::Level::INFO));
    assert_eq!((format, problems.len()), (Format::Json, 0));

    let (targets, ..) = read("off", "pretty");
    assert!(!targets.would_enable("shop", &::tracing::Level::ERROR));
}

#[test]
fn what_cannot_be_used_is_named_and_left_out() {
    let (targets, format, problems) = read("shop=loud", "xml");
    assert_eq!(targets.default_level(), Some(LevelFilter::INFO));
    assert_eq!(format, Format::Pretty);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("OBS_LOG=shop=loud: expected a level"));
    assert!(problems[1].starts_with("OBS_LOG_FORMAT=xml: expected pretty or json"));
}
