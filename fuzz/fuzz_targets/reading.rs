#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_text::fuzz::fuzz_reading(data));
