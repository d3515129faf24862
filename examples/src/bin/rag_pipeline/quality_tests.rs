//! Whether the built-in provider finds answers in texts that it was not made for.

use crate::chunks;
use crate::documents::Document;
use crate::evaluation::faithfulness;
use crate::index::VectorIndex;
use crate::prompt;
use obs_examples::provider;

const TEXTS: [(&str, &str); 6] = [
    (
        "observatory.txt",
        "The Kestrel Ridge Observatory stands 2,940 metres above the sea in the Andes. Its main telescope, the Halvorsen \
         Reflector, has a mirror of 4.2 metres and saw first light on 14 March 1987. Construction took six years and cost \
         38 million crowns, because the access road had to be blasted out of granite.\n\n\
         The observatory was founded by the astronomer Ingrid Halvorsen. She had discovered the comet that bears her name \
         three years before. Today a staff of 41 people works there in shifts of ten days.\n\n\
         Visitors are admitted on Saturdays between May and October. The tour lasts ninety minutes and must be booked a \
         week ahead.",
    ),
    (
        "bakery/handbook.md",
        "# Rosewater Bakery\n\n## Sourdough\n\nThe starter is fed at 5 a.m. and at 5 p.m. with equal parts of rye flour and \
         water. Loaves ferment for eighteen hours at 12 degrees before they are baked.\n\n## Allergens\n\nAll cakes contain \
         eggs. The almond tart and the marzipan rolls contain nuts.\n\n## Opening hours\n\n- Monday: closed\n- Tuesday to \
         Friday: 6:30 to 18:00\n- Weekend: 7:00 to 13:00\n",
    ),
    (
        "policy.txt",
        "Employees may carry over at most five days of vacation into the next year. Requests for unpaid leave are decided by \
         the head of department within two weeks. Expenses above 200 euros need a receipt and the approval of a second \
         person. Laptops are replaced every four years.",
    ),
    (
        "whales.md",
        "Blue whales are the largest animals that ever lived. They feed almost only on krill, of which an adult eats up to \
         four tonnes a day. Humpback whales sing; a song may last twenty minutes and is repeated for hours. Sperm whales \
         dive deeper than 1,000 metres to hunt squid.",
    ),
    (
        "router.md",
        "# Falcon router\n\n## Reset\n\nHold the button on the back for ten seconds until the red light blinks. All settings \
         are lost.\n\n## Ports\n\n| port | purpose |\n|---|---|\n| 8443 | administration |\n| 1812 | RADIUS |\n\n## Firmware\n\nThe \
         router looks for new firmware every night at three. Automatic updates can be turned off with `falcon update --manual`.",
    ),
    (
        "history.txt",
        "In 1644 the town of Veldhaven received the right to mint coins. The mint closed in 1702 after the silver mines were \
         flooded. A fire destroyed the old harbour in 1811; the merchant Pieter Oort paid for its reconstruction.",
    ),
];

fn ask(question: &str) -> (String, String, f64) {
    let mut index = VectorIndex::default();
    for (path, text) in TEXTS {
        let chunks = chunks::cut(&Document {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        let vectors = chunks
            .iter()
            .map(|c| provider::embed(&c.embedding_text(), provider::DIMENSIONS))
            .collect();
        index.upsert(&chunks, vectors);
    }
    let hits = index.search(provider::embed(question, provider::DIMENSIONS), 6);
    let answer = provider::answer(&prompt::with_sources(question, &hits));
    let score = faithfulness(&answer, hits.iter().map(|hit| hit.chunk.text.as_str()));
    (hits[0].chunk.source.clone(), answer, score)
}

/// A question, the file that answers it, and what the answer must hold.
const CASES: [(&str, &str, &str); 18] = [
    (
        "Who founded the observatory?",
        "observatory.txt",
        "Ingrid Halvorsen",
    ),
    (
        "When did the telescope see first light?",
        "observatory.txt",
        "14 March 1987",
    ),
    (
        "How long did construction of the observatory take?",
        "observatory.txt",
        "six years",
    ),
    (
        "How many people work at the observatory?",
        "observatory.txt",
        "41 people",
    ),
    (
        "On which days can visitors come to the observatory?",
        "observatory.txt",
        "Saturdays",
    ),
    (
        "Which cakes contain nuts?",
        "bakery/handbook.md",
        "marzipan",
    ),
    (
        "When is the bakery open on Friday?",
        "bakery/handbook.md",
        "6:30 to 18:00",
    ),
    (
        "How long do the loaves ferment?",
        "bakery/handbook.md",
        "eighteen hours",
    ),
    (
        "How many vacation days can be carried over?",
        "policy.txt",
        "five days",
    ),
    (
        "Who decides about unpaid leave?",
        "policy.txt",
        "head of department",
    ),
    (
        "How often are laptops replaced?",
        "policy.txt",
        "every four years",
    ),
    ("What do blue whales eat?", "whales.md", "krill"),
    (
        "How deep do sperm whales dive?",
        "whales.md",
        "1,000 metres",
    ),
    ("How do I reset the router?", "router.md", "ten seconds"),
    (
        "Which port is used for administration?",
        "router.md",
        "8443",
    ),
    (
        "How can automatic updates be turned off?",
        "router.md",
        "falcon update --manual",
    ),
    ("Why did the mint close?", "history.txt", "silver mines"),
    (
        "Who paid for the reconstruction of the harbour?",
        "history.txt",
        "Pieter Oort",
    ),
];

#[test]
fn answers_hold_what_was_asked_for() {
    let mut wrong = Vec::new();
    for (question, source, expected) in CASES {
        let (best, answer, score) = ask(question);
        if best != source || !answer.contains(expected) || score < 1.0 {
            wrong.push(format!("{question}\n  {best}, {score}: {answer}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_question_that_the_texts_do_not_answer_is_not_answered() {
    for question in [
        "What is the capital of France?",
        "How tall is Mount Everest?",
    ] {
        let (_, answer, score) = ask(question);
        assert!(
            answer.contains("does not answer") && score == 0.0,
            "{question}: {answer}"
        );
    }
}
