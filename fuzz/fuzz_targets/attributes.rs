//! No input makes a macro panic, lose the item, or write what is no Rust.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| obs_fuzz::run(data));
