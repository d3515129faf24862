use super::*;

const PROMPT: &str = "\
Use only these sources.

[1] bridge.md > History
The harbour bridge was designed by Ada Lindqvist. It opened in 1932. The bridge is painted grey.

[2] ferry.md
A ferry crosses the bay every twenty minutes. The fare is three coins.

Question: ";

fn ask(question: &str) -> String {
    answer(&format!("{PROMPT}{question}"))
}

#[test]
fn the_sentence_that_answers_comes_first_with_its_source() {
    let reply = ask("Who designed the harbour bridge?");
    assert!(
        reply.starts_with("The harbour bridge was designed by Ada Lindqvist [1]."),
        "{reply}"
    );
    assert!(
        ask("How often does the ferry cross?")
            .starts_with("A ferry crosses the bay every twenty minutes [2].")
    );
}

#[test]
fn a_sentence_that_refers_back_is_found_by_what_it_refers_to() {
    let reply = ask("When did the harbour bridge open?");
    assert!(reply.contains("It opened in 1932 [1]."), "{reply}");
}

#[test]
fn nothing_is_made_up() {
    assert_eq!(ask("What do penguins eat?"), NO_ANSWER);
    assert_eq!(answer(""), NO_ANSWER);
    assert_eq!(answer("Question:"), NO_ANSWER);
}

#[test]
fn a_prompt_without_numbered_sources_is_answered_without_citations() {
    let reply = answer("The mill grinds wheat at night.\n\nWhen does the mill grind wheat?");
    assert_eq!(reply, "The mill grinds wheat at night.");
}

#[test]
fn the_same_sentence_in_two_sources_is_said_once() {
    let twice = "[1] a\nThe tower is 90 metres tall.\n[2] b\nThe tower is 90 metres tall.\nQuestion: How tall is the tower?";
    assert_eq!(answer(twice), "The tower is 90 metres tall [1].");
}

#[test]
fn a_question_in_a_source_leads_to_its_answer_and_is_none() {
    let faq = "[1] faq.md\n**Can I return a kettle?**\n\nYes, within 30 days.\n\nQuestion: Can I return a kettle?";
    assert_eq!(answer(faq), "Yes, within 30 days [1].");
}
