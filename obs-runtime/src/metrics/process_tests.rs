//! The files below `/proc`.

use super::*;

#[test]
fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
    let numbers = "S 1 4821 4821 0 -1 4194304 2034 7 3 0 150 25 0 0 20 0 9 0 200000 123 456";
    for name in ["obs", "a) R 1 2 3 (b", ") ", "größe"] {
        let stat = Stat::parse(&format!("4821 ({name}) {numbers}\n")).expect("valid");
        let expected = Stat {
            minor_faults: 2034,
            major_faults: 3,
            user_ticks: 150,
            system_ticks: 25,
            start_ticks: 200_000,
        };
        assert_eq!(stat, expected, "{name}");
        assert_eq!(age("2012.50 3.25\n", &stat), Some(12.5));
        // Rounding is no reason for a negative age; another machine's clock is one for none.
        assert_eq!(age("1999.99 3.25\n", &stat), Some(0.0));
        assert_eq!(age("17.01 3.25\n", &stat), None);
    }
}

#[test]
fn what_is_not_as_expected_is_left_out() {
    for text in [
        "",
        "1 (x",
        "1 (x)",
        "1 (x) S 1 2",
        "1 (x) S a b c d e f g h i j k l m n o p q r s t",
    ] {
        assert_eq!(Stat::parse(text), None, "{text}");
    }
    let status = "Name:\tVmRSS: 5\nVmRSSx:\t1 kB\nVmRSS:\t  77 kB\nThreads:\tmany\n";
    assert_eq!(field(status, "VmRSS"), Some(77));
    assert_eq!(field(status, "Threads"), None);
    assert_eq!(field(status, "VmSize"), None);
    let stat = Stat::parse("1 (x) S 1 1 1 0 -1 0 1 1 1 1 1 1 1 1 1 1 1 1 1").expect("valid");
    for uptime in ["", "never", "NaN 1"] {
        assert_eq!(age(uptime, &stat), None, "{uptime}");
    }
}
