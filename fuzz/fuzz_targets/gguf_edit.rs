#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freehold_artifact::fuzz::fuzz_gguf_edit(data));
