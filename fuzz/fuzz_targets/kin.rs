#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_kin::fuzz::fuzz_kin(data));
