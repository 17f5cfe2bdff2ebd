#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| image_transfer::fuzzing::www_authenticate(bytes));
