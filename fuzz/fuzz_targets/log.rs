#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_log::fuzz::fuzz_log(data));
