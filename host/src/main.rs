//! The command `image-transfer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    image_transfer::cli::main(std::env::args_os())
}
