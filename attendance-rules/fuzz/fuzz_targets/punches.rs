//! Any bytes as punches and corrections under any of the policies. `cargo +nightly fuzz run punches`
#![no_main]

#[path = "../../tests/common/hostile.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::punches(bytes));
