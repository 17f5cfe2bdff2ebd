//! The classic flags: a plan like any other, made of a security file and a rule file.

use clap::CommandFactory;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::ClassicArgs;
use crate::cli::runs;
use crate::report::Outputs;
use crate::workflow;
use crate::workflow::Classic;

/// The most images at once that the classic tool allowed.
const MAX_ROUTINES: usize = 50;

/// The most requests a second that the classic tool allowed.
const MAX_QPS: u32 = 30_000;

/// Help for the classic flags alone.
pub(super) fn help() -> clap::Error {
    clap::Error::raw(clap::error::ErrorKind::DisplayHelp, ClassicArgs::command().render_long_help())
}

/// Does what the flags say.
pub(super) async fn run(args: ClassicArgs) -> Result<Exit, CommandError> {
    if args.ccr_to_tcr {
        return Err(CommandError::Usage(
            "--ccrToTcr is not in this version yet; the general mode moves images by --ruleFile".to_owned(),
        ));
    }
    let Some(rule_file) = args.rule_file else {
        return Err(CommandError::Usage("--ruleFile is missing: name the file with the rules".to_owned()));
    };
    if args.routines == 0 {
        return Err(CommandError::Usage("--routines is 0, so nothing could run; use 1 to 50".to_owned()));
    }
    if args.routines > MAX_ROUTINES {
        tracing::warn!("--routines is at most {MAX_ROUTINES}, so {MAX_ROUTINES} it is");
    }
    let classic = Classic {
        security_file: args.security_file,
        rule_file,
        registry: args.registry.or_else(|| runs::environment("DEFAULT_REGISTRY")),
        namespace: args.namespace.or_else(|| runs::environment("DEFAULT_NAMESPACE")),
        routines: args.routines.min(MAX_ROUTINES),
        retry: args.retry,
        qps: args.qps.min(MAX_QPS),
        overwrite_tags: args.tag_exist_overridden,
    };
    let (plan, texts) = workflow::load_classic(&classic, &runs::environment)?;
    if args.print_workflow {
        runs::say(workflow::print_workflow(&plan).trim_end());
        return Ok(Exit::Done);
    }
    let outputs = Outputs { report: args.report, failed: args.failed, dry_run: args.dry_run };
    runs::plan(plan, &texts, outputs).await
}
