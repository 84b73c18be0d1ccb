//! Any text as an ICS file and as a recurrence rule. `cargo +nightly fuzz run calendar`
#![no_main]

#[path = "../../tests/common/hostile.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|text: &str| hostile::calendar(text));
