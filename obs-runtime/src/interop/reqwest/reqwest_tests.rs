use super::hosts::Hosts;

fn hosts(names: &[&str]) -> Hosts {
    let mut hosts = Hosts::default();
    hosts.add(names.iter().map(|name| (*name).to_owned()));
    hosts
}

#[test]
fn hosts_are_whole_names() {
    let allowed = hosts(&["API.internal", "*.shop.example", "[::1]"]);
    for yes in [
        "api.internal",
        "api.internal.",
        "a.shop.example",
        "a.b.shop.example",
        "[::1]",
    ] {
        assert!(allowed.contains(yes), "{yes}");
    }
    for no in [
        "internal",
        "x.api.internal",
        "shop.example",
        "evilshop.example",
        ".shop.example",
        "api.internal.evil.example",
        "",
    ] {
        assert!(!allowed.contains(no), "{no}");
    }
    assert!(!Hosts::default().contains("api.internal"));
}

#[test]
fn what_is_no_host_is_left_out() {
    let allowed = hosts(&[
        "https://api.internal",
        "api.internal:80",
        "",
        "ada@api.internal",
    ]);
    assert!(!allowed.contains("api.internal"));
}
