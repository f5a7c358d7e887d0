#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_check::fuzz::fuzz_house(data, freehold_law::shared()));
