//! Arguments as `#[tracing::instrument]` takes them, with its meaning: what migrates by an import.

use obs_runtime::testing::capture;
use obs_runtime::traced as instrument;
use obs_runtime::{Level, registry};

mod levels {
    use super::{Level, instrument, registry};
    use tracing::Level as Theirs;

    #[instrument(level = 1)]
    fn number_1() {}

    #[instrument(level = 2)]
    fn number_2() {}

    #[instrument(level = 3)]
    fn number_3() {}

    #[instrument(level = 4)]
    fn number_4() {}

    #[instrument(level = 5)]
    fn number_5() {}

    #[instrument(level = "eRRor")]
    fn word() {}

    #[instrument(level = Theirs::DEBUG)]
    fn imported() {}

    #[instrument(level = ::tracing::Level::WARN)]
    fn qualified() {}

    #[instrument(level = Level::TRACE)]
    fn ours() {}

    // A level of `tracing`'s in every place that takes one.
    #[instrument(level = Level::Debug, err(level = Theirs::INFO), ret(level = Theirs::TRACE))]
    fn both(n: u8) -> Result<u8, String> {
        Ok(n)
    }

    fn level_of(function: &str) -> Level {
        let mut sites = registry::callsites().filter(|site| site.file() == file!());
        sites
            .find(|site| site.function() == function)
            .unwrap()
            .level()
    }

    #[test]
    fn every_spelling_of_a_level_is_taken() {
        let expected = [
            ("number_1", Level::Trace),
            ("number_2", Level::Debug),
            ("number_3", Level::Info),
            ("number_4", Level::Warn),
            ("number_5", Level::Error),
            ("word", Level::Error),
            ("imported", Level::Debug),
            ("qualified", Level::Warn),
            ("ours", Level::Trace),
            ("both", Level::Debug),
        ];
        let found = expected.map(|(function, _)| (function, level_of(function)));
        assert_eq!(found, expected);
        (number_1(), number_2(), number_3(), number_4(), number_5());
        (word(), imported(), qualified(), ours());
        both(1).unwrap();
    }
}

#[test]
fn a_text_alone_is_the_name() {
    #[instrument("load user", level = "debug")]
    fn load() {}
    #[instrument(level = "debug", "store user")]
    fn store() {}
    let captured = capture(|| {
        load();
        store();
    });
    captured.assert_tree("\"load user\"\n\"store user\"");
}

#[test]
fn the_returned_value_takes_a_level_and_a_form() {
    #[instrument(ret(level = "warn"))]
    fn by_level() -> &'static str {
        "text"
    }
    #[instrument(ret(Display, level = Level::WARN), err(Display, level = 4))]
    fn by_both(n: u8) -> Result<&'static str, String> {
        (n > 0).then_some("text").ok_or_else(|| "none".to_owned())
    }
    let captured = capture(|| {
        by_level();
        by_both(1).unwrap();
        by_both(0).unwrap_err();
    });
    captured
        .assert_span("by_level")
        .attribute("return", "\"text\"");
    let both: Vec<_> = captured.spans_named("by_both").collect();
    assert_eq!(both[0].attribute("return"), Some(&"text".into()));
    let error = both[1].error.as_ref().unwrap();
    assert_eq!(error.level, Some(Level::Warn));
    assert_eq!(error.message.as_deref(), Some("none"));
}
