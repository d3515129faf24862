use std::sync::Arc;

use super::{Mailbox, Mailboxes};

fn say(mailbox: &Mailbox, key: &'static str) {
    mailbox.change(|extra| extra.set(key.into(), true.into()));
}

/// The keys that were said, in their order.
fn keys(said: Vec<crate::trace::attribute::SpanExtra>) -> Vec<String> {
    let attributes = said.into_iter().flat_map(|said| said.attributes);
    attributes.map(|(key, _)| key.into_owned()).collect()
}

#[test]
fn what_comes_after_the_end_is_not_taken() {
    let mailbox = Mailbox::default();
    say(&mailbox, "first");
    say(&mailbox, "second");
    let said = mailbox.close().unwrap();
    assert_eq!(keys(vec![*said]), ["first", "second"]);
    mailbox.change(|_| panic!("the span has ended"));
    assert!(mailbox.close().is_none());
}

#[test]
fn an_entry_has_one_mailbox() {
    let mut entry = Mailboxes::default();
    assert!(entry.is_empty());
    assert!(Arc::ptr_eq(&entry.get(), &entry.get()));
    assert!(!entry.is_empty());
}

#[test]
fn mailboxes_that_nobody_holds_are_emptied_when_entries_are_put_together() {
    let mut span = Mailboxes::default();
    let mut first = Mailboxes::default();
    let held = first.get();
    say(&held, "held");
    assert_eq!(keys(span.merge(first)), [""; 0]);
    let mut second = Mailboxes::default();
    say(&second.get(), "dropped");
    assert_eq!(keys(span.merge(second)), ["dropped"]);
    say(&held, "later");
    assert_eq!(keys(span.close()), ["held", "later"]);
    assert!(span.is_empty());
}
