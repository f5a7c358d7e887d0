#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_check::fuzz::fuzz_scenarios(data));
