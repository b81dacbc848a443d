#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| notemill_fuzz::job(data));
