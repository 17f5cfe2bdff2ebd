//! `completions` and `man`: what a shell and its reader of pages know of the command line.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::Cli;
use crate::cli::args::CompletionsArgs;
use crate::cli::args::ManArgs;
use crate::cli::runs::say;

/// Prints the completions of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "image-transfer", &mut text);
    // For bash, the program's name is spelt in two ways, so that no command of a name with a hyphen would be completed (clap's issue 6421).
    let text = String::from_utf8_lossy(&text).replace("image__subcmd__transfer", "image__transfer");
    say(text.trim_end());
    Exit::Done
}

/// Prints the page of the program, or writes one for it and each of its commands.
pub(super) fn man(args: &ManArgs) -> Result<Exit, CommandError> {
    if let Some(directory) = &args.directory {
        let failed = |source: io::Error| CommandError::File { path: directory.clone(), source };
        clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    say(String::from_utf8_lossy(&page).trim_end());
    Ok(Exit::Done)
}
