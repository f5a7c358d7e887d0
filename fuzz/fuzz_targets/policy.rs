#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_policy::fuzz::fuzz_policy(data, freehold_law::shared()));
