//! Cost of the redaction, which every text of an error and every attribute that is no literal passes.
//!
//! ```text
//! redaction                            the table, as markdown
//! redaction --count ROW VARIANT CALLS  only runs the calls; for callgrind, see instructions.sh
//! redaction --list                     rows and their variants
//! ```

use std::hint::black_box;
use std::process::ExitCode;

use obs_benches::harness::{self, Effort, Row, Variant};
use obs_benches::table;
use obs_runtime::private::redact;

/// A message of 60 characters without a secret.
const CLEAN: &str = "connection to the index refused after 3 retries, giving up!!";
/// A sentence about a token, with the marks that stand before values.
const PROSE: &str = "unexpected token: identifier, expected one of: `;`, `}` here";
/// A URL with a key.
const SECRET: &str = "refused: https://x.test/v1?api_key=8f3a99b1c0d24e57&page=2 .";
/// As short as most fields.
const FIELD: &str = "GET /users/{id";
/// A prompt about what secrets are named after, where the first look alone decides nothing.
const PROMPT: &str = "Summarise what the authors say about the key question: how many tokens does a \
    passage of the current text need, and who has the authority to change it? Answer in the language of the \
    question. {\"model\":\"m-1\",\"usage\":{\"prompt_tokens\":1203,\"completion_tokens\":87}} ";
/// As large as an answer in an error's text may be.
const LONG: usize = 16 * 1024;

fn main() -> ExitCode {
    let rows = rows();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => {
            let effort = Effort {
                rounds: 30,
                bursts: 20,
            };
            print!("{}", table::head("bare"));
            for row in &rows {
                print!(
                    "{}",
                    table::lines(row, &harness::measure(row, effort), "bare")
                );
            }
        }
        ["--list"] => {
            for row in &rows {
                println!("{} bare obs", row.name);
            }
        }
        ["--count", row, variant, calls] => {
            let row = rows.iter().find(|r| r.name == row);
            let variant = row.and_then(|r| r.variants.iter().find(|v| v.name == variant));
            let (Some(variant), Ok(calls)) = (variant, calls.parse()) else {
                eprintln!("redaction: expected a row and a variant of --list and a number");
                return ExitCode::FAILURE;
            };
            println!("{}", harness::count(variant, calls));
        }
        _ => {
            eprintln!("redaction: takes nothing, --list or --count ROW VARIANT CALLS");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn rows() -> Vec<Row> {
    let row = |name, title, burst| Row {
        name,
        title,
        variants: vec![
            Variant {
                name: "bare",
                burst: |n| (0..n).map(|_| black_box(CLEAN).len() as u64).sum(),
                drain: || {},
            },
            Variant {
                name: "obs",
                burst,
                drain: || {},
            },
        ],
    };
    vec![
        row("clean", "60 characters without a secret", |n| {
            masked(n, CLEAN)
        }),
        row("prose", "60 characters about a token", |n| masked(n, PROSE)),
        row("secret", "60 characters with a secret", |n| {
            masked(n, SECRET)
        }),
        row("long", "16 KiB of JSON without a secret", |n| {
            let json = r#"{"id":1234,"name":"the third of them","ok":true}, "#;
            masked(n, &json.repeat(LONG / json.len()))
        }),
        row("field", "a field of 14 characters", |n| masked(n, FIELD)),
        row("prompt", "16 KiB of a prompt and its usage", |n| {
            masked(n, &PROMPT.repeat(LONG / PROMPT.len()))
        }),
    ]
}

fn masked(n: u64, text: &str) -> u64 {
    (0..n).map(|_| redact(black_box(text)).len() as u64).sum()
}
