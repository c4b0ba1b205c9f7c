//! libFuzzer in front of the targets of `platewatch::fuzzing`; see README.md.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod fuzzed {
    use std::sync::OnceLock;

    type Target = fn(&[u8]);

    /// The target that `PLATEWATCH_FUZZ_TARGET` names.
    fn target() -> Target {
        static TARGET: OnceLock<Target> = OnceLock::new();
        *TARGET.get_or_init(|| {
            let wanted = std::env::var("PLATEWATCH_FUZZ_TARGET").unwrap_or_default();
            let found = platewatch::fuzzing::TARGETS.iter().find(|(name, _)| *name == wanted);
            let Some((_, target)) = found else {
                let names: Vec<&str> = platewatch::fuzzing::TARGETS.iter().map(|t| t.0).collect();
                eprintln!("PLATEWATCH_FUZZ_TARGET must be one of {}", names.join(", "));
                std::process::exit(2);
            };
            *target
        })
    }

    libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target()(bytes));
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("this was built without coverage; use fuzz/run.sh");
    std::process::exit(2);
}
