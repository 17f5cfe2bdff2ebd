//! `cargo run --manifest-path plugins/Cargo.toml -p xtask -- COMMAND`
//!
//! * `build [GUEST…]` builds every guest, or those that are named, writes the components and their `LOCK.json`.
//! * `build --check` builds every guest with the locked toolchain and compares, byte for byte; writes nothing.
//! * `lock-check` compares the hashes of components and inputs with `LOCK.json`; needs no toolchain for WebAssembly.
//!
//! Exit code 0: done, or nothing differs. 1: something differs or failed. 2: the command line is wrong.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for a terminal")]

mod build;
mod guests;
mod lock;
mod toolchain;

use std::process::ExitCode;

use guests::Repository;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let repository = Repository::of_this_crate();
    let outcome = match arguments.as_slice() {
        ["build", "--check"] => build::check(&repository),
        ["build", guests @ ..] => build::write(&repository, guests),
        ["lock-check"] => lock::check(&repository),
        _ => {
            eprintln!("usage: xtask build [--check | GUEST…] | lock-check");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
