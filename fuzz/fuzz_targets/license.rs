#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_check::fuzz::fuzz_license(data, freehold_law::files()));
