#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_reference::fuzz::fuzz_reference(data));
