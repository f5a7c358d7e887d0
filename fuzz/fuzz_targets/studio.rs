#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_studio::fuzz::fuzz_studio(data));
