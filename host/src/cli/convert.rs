//! `convert`: another tool's configuration as a workflow file.

use std::path::Path;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::ConvertArgs;
use crate::cli::args::FormatName;
use crate::cli::runs::environment;
use crate::cli::write;
use crate::convert;
use crate::convert::Request;
use crate::journal::Past;
use crate::run::Workbench;
use crate::workflow;

/// Converts, checks what came out, and writes it. Notes go to standard error, a line each.
pub(super) async fn run(args: ConvertArgs) -> Result<Exit, CommandError> {
    write::check(&args.written)?;
    let converted = convert::convert(&Request {
        files: args.files,
        from: args.from.map(FormatName::format),
        to: args.to,
        scoped: args.scoped,
    })?;
    check(&converted.workflow, args.written.output.as_deref()).await?;
    for note in &converted.notes {
        tell(note);
    }
    write::text(&converted.workflow, &args.written)?;
    Ok(Exit::Done)
}

/// What `check` says of it, with a stand-in for each variable that is not set: what a name or an expression of the other tool means, the
/// plugins know best.
pub(super) async fn check(text: &str, path: Option<&Path>) -> Result<(), CommandError> {
    let path = path.unwrap_or(Path::new("workflow.yaml"));
    let stand_in = |name: &str| environment(name).or_else(|| Some("variable".to_owned()));
    let (plan, texts) = workflow::load_text(path, text, &[], &stand_in)?;
    Workbench::prepare(plan, &texts, Past::default()).await?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "notes must not get into the workflow on standard output")]
fn tell(note: &str) {
    eprintln!("note: {note}");
}
