//! No text makes the redaction panic, read for long, or show a secret.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| obs_fuzz::redaction::run(data));
