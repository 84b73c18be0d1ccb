//! Any text as a policy, in TOML and JSON. `cargo +nightly fuzz run policy`
#![no_main]

#[path = "../../tests/common/hostile.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|text: &str| hostile::policy(text));
